"""Rules, levels and link codes of You against the CNN; all functions are pure.

`idc.game.rounds` chooses the patches and predicts them.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from idc.errors import GameError
from idc.patches import PATCH_SIZE_PX

PATCHES_PER_ROUND = 10
LEVELS: Mapping[str, tuple[str, str]] = {  # its title, and what is in it
    "easy": ("Easy", "the third of the patches where the model is surest, and right"),
    "medium": ("Medium", "the third in between"),
    "hard": ("Hard", "the third where the model is least sure, or wrong"),
}
SEED_COUNT = 2**24

_CODE = re.compile(r"([emh])([12])-([0-9a-f]{6})-([0-9a-f]{4})((?:-[np]{0,10}){1,2})")
_MIN_POSITIVE, _MAX_POSITIVE = (
    3,
    7,
)  # positive ones in a round; always five would be a hint at its end
_MIN_DISTANCE_CELLS = (
    3  # cells between two patches of a round, so that none lies in the other's surroundings
)
_ODDS_DIGITS = 3  # a machine that rounds the model's answer elsewhere must draw the same patches
_PROBABILITY_CLIP = 1e-6


@dataclass(frozen=True)
class Game:
    """The state of a round.

    Attributes:
        level: a key of `LEVELS`.
        seed: [0, `SEED_COUNT`), of the draw.
        check: four hexadecimal digits of what was drawn, see `idc.game.rounds`.
        guesses: one string per player (one or two), one character per patch: "p" for the positive
            class, "n" for the negative one. Both strings have the same length.
    """

    level: str
    seed: int
    check: str
    guesses: tuple[str, ...]

    @property
    def players(self) -> int:
        """1 or 2."""
        return len(self.guesses)

    @property
    def turn(self) -> int:
        """Number of guessed patches, 0 to `PATCHES_PER_ROUND`."""
        return len(self.guesses[0])

    @property
    def is_over(self) -> bool:
        """Whether all patches are guessed."""
        return self.turn == PATCHES_PER_ROUND

    @property
    def name(self) -> str:
        """Identifies the ten patches and the number of players, independently of the guesses."""
        return f"{self.level[0]}{self.players}-{self.seed:06x}-{self.check}"

    def code(self) -> str:
        """The whole state as in links: "h1-00c0de-9b1e-pnnp"."""
        return "-".join([self.name, *self.guesses])

    def with_guesses(self, turn: int, guesses: str) -> "Game":
        """The game after the players' guesses on one patch.

        Args:
            turn: the index of the patch. A guess on a patch other than the next is a late message
                and is ignored.
            guesses: one character per player.

        Raises:
            GameError: these are no guesses.
        """
        if not re.fullmatch(f"[np]{{{self.players}}}", guesses):
            raise GameError("Each player guesses one of the two classes, once per patch.")
        if turn != self.turn or self.is_over:
            return self
        extended = zip(self.guesses, guesses, strict=True)
        return replace(self, guesses=tuple(before + guess for before, guess in extended))

    def restarted(self) -> "Game":
        """The same ten patches without guesses."""
        return replace(self, guesses=("",) * self.players)


@dataclass(frozen=True)
class Tally:
    """A player's score.

    Attributes:
        right: number of correct guesses.
        streak: consecutive correct guesses up to now.
        best_streak: the longest streak.
    """

    right: int
    streak: int
    best_streak: int


def parse_game(code: str) -> Game:
    """Read `Game.code`.

    Raises:
        GameError: it is something else.
    """
    match = _CODE.fullmatch(code)
    guesses = tuple(match[5].split("-")[1:]) if match else ()
    if match is None or len(guesses) != int(match[2]) or len({len(g) for g in guesses}) != 1:
        raise GameError("This link is not a round of the game, or is incomplete; copy it again.")
    level = next(level for level in LEVELS if level.startswith(match[1]))
    return Game(level, int(match[3], 16), match[4], guesses)


def tally(guesses: str, labels: Sequence[int] | np.ndarray) -> Tally:
    """Count guesses against labels.

    Args:
        guesses: "p" and "n", no more than there are labels.
        labels: {0, 1}.
    """
    right = streak = best = 0
    for sign, label in zip(guesses, labels, strict=False):
        hit = (sign == "p") == bool(label)
        right += hit
        streak = streak + 1 if hit else 0
        best = max(best, streak)
    return Tally(right, streak, best)


def model_guesses(y_prob: np.ndarray, threshold: float) -> str:
    """The model's guesses: "p" at or above its threshold."""
    return "".join("p" if p >= threshold else "n" for p in np.asarray(y_prob, np.float64))


def positions_of_level(
    labels: np.ndarray, y_prob: np.ndarray, threshold: float, level: str
) -> np.ndarray:
    """Positions of the patches of a level: int64, sorted.

    The patches of each class are split into thirds by how clearly the model is right: by the
    distance of its log-odds from those of its threshold, in the direction of the label.

    Args:
        labels: {0, 1}, shape (n,).
        y_prob: [0, 1], shape (n,).
        level: a key of `LEVELS`.
    """
    odds = np.round(_log_odds(y_prob) - _log_odds(threshold), _ODDS_DIGITS)
    clear = np.where(labels == 1, odds, -odds)
    selected = []
    for label in (0, 1):
        own = np.flatnonzero(labels == label)
        own = own[np.argsort(-clear[own], kind="stable")]
        selected.append(np.array_split(own, len(LEVELS))[list(LEVELS).index(level)])
    chosen = np.sort(np.concatenate(selected))
    if level == "easy":
        called = np.asarray(y_prob, np.float64)[chosen] >= threshold
        chosen = chosen[called == (labels[chosen] == 1)]
    return chosen


def draw_patches(
    labels: np.ndarray, places: np.ndarray, seed: int, side_px: int = PATCH_SIZE_PX
) -> np.ndarray:
    """Draw ten patches in random order, between three and seven of them positive.

    No two lie so close on a slide that one appears in the other's surroundings, where its label
    would be shown too early.

    Args:
        labels: {0, 1}, shape (n,).
        places: int, shape (n, 3): case, x, y in pixels.
        seed: the same one draws the same patches.
        side_px: side of a patch.

    Returns:
        int64, shape (10,), positions.

    Raises:
        GameError: there are too few.
    """
    rng = np.random.default_rng(seed)
    wanted = {1: int(rng.integers(_MIN_POSITIVE, _MAX_POSITIVE + 1))}
    wanted[0] = PATCHES_PER_ROUND - wanted[1]
    drawn: list[int] = []
    for place in rng.permutation(len(labels)).tolist():
        if wanted[int(labels[place])] and not _is_near_any(places[place], places[drawn], side_px):
            drawn.append(place)
            wanted[int(labels[place])] -= 1
    if len(drawn) < PATCHES_PER_ROUND:
        raise GameError(
            "There are too few patches for a round of this level; choose another level, run "
            "or data set."
        )
    return rng.permutation(np.array(drawn))


def _is_near_any(place: np.ndarray, others: np.ndarray, side_px: int) -> bool:
    steps = np.abs(others[:, 1:] - place[1:]).max(axis=1, initial=0)
    return bool(((others[:, 0] == place[0]) & (steps < _MIN_DISTANCE_CELLS * side_px)).any())


def _log_odds(y_prob: np.ndarray | float) -> np.ndarray:
    p = np.clip(np.asarray(y_prob, np.float64), _PROBABILITY_CLIP, 1 - _PROBABILITY_CLIP)
    return np.log(p / (1 - p))
