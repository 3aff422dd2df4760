// One patch of You against the CNN: players guess by button or key, then see the label. Label and
// prediction arrive with the next message, after all players have guessed. With two players, the
// first guess stays hidden until the second.

import { element } from "../components/browser/dom.js";

let smooth = true; // one choice for all patches

export default function ({ data, parentElement, setTriggerValue }) {
  const play = parentElement.play ?? (parentElement.play = newPlay(parentElement));
  const before = play.data;
  play.data = data;
  play.send = (name, value) => setTriggerValue(name, value);
  if (before?.game !== data.game || before.turn !== data.turn || before.mode !== data.mode) {
    play.guesses = data.players.map(() => "");
    play.sent = false;
    draw(play);
  }
  play.stop?.();
  const onKey = (event) => handleKey(play, event);
  document.addEventListener("keydown", onKey);
  play.stop = () => document.removeEventListener("keydown", onKey);
  return play.stop;
}

function newPlay(parentElement) {
  const stage = element("div", "stage");
  const status = element("p", "said");
  status.setAttribute("role", "status");
  parentElement.append(stage, status);
  return { stage, status, guesses: [] };
}

function draw(play) {
  const { data, stage } = play;
  const held = stage.contains(stage.getRootNode().activeElement);
  stage.className = `stage players-${data.players.length}`;
  stage.dataset.mode = data.mode;
  stage.dataset.turn = data.turn;
  play.seats = data.players.map((player, number) => newSeat(play, player, number));
  const middle = element("div", "middle");
  middle.append(element("p", "progress", `Patch ${data.turn} of ${data.of}`), ...newPatch(data));
  if (data.reveal) middle.append(newVerdict(data.reveal));
  const next = data.reveal ? newNext(play) : null;
  if (next) middle.append(next);
  stage.replaceChildren(play.seats[0], middle, ...play.seats.slice(1));
  if (next && (held || document.activeElement === document.body))
    next.focus({ preventScroll: true });
  else if (held) stage.querySelector("button")?.focus({ preventScroll: true });
  // Scroll back up from the explanation; do not move a visible stage.
  if (stage.getBoundingClientRect().top < 0) stage.scrollIntoView({ block: "start" });
  play.status.textContent = data.reveal
    ? [data.reveal.words, ...data.players.map((p) => `${p.title}: ${p.outcome}.`)].join(" ")
    : `Patch ${data.turn} of ${data.of}. ${data.question}`;
}

function newPatch(data) {
  const picture = element("img", "patch");
  picture.src = data.picture;
  picture.alt = data.alt;
  const toggle = element("button", "text-button");
  toggle.type = "button";
  const show = () => {
    picture.classList.toggle("pixels", !smooth);
    toggle.textContent = smooth ? "Show the pixels as they are" : "Show it smooth";
  };
  toggle.addEventListener("click", () => {
    smooth = !smooth;
    show();
  });
  show();
  return [picture, toggle];
}

function newVerdict(reveal) {
  const verdict = element("div", `verdict ${reveal.label ? "positive" : "negative"}`);
  verdict.append(element("p", "truth", reveal.truth), element("p", "answer", reveal.answer));
  return verdict;
}

function newNext(play) {
  const next = element("button", "next", play.data.reveal.last ? "The result" : "Next patch");
  next.type = "button";
  next.append(element("kbd", "", "Enter"));
  next.addEventListener("click", () => nextPatch(play));
  return next;
}

function newSeat(play, player, number) {
  const seat = element("section", "seat");
  seat.setAttribute("aria-label", player.title);
  seat.append(element("h2", "title", player.title), newScore(player));
  if (play.data.reveal) {
    const outcome = element("p", `outcome ${player.hit ? "hit" : "miss"}`, player.outcome);
    seat.append(outcome);
    return seat;
  }
  const choices = element("div", "choices");
  for (const sign of ["n", "p"]) {
    const name = play.data.class_names[sign === "p" ? 1 : 0];
    const button = element("button", `choice ${sign === "p" ? "positive" : "negative"}`);
    button.type = "button";
    button.append(element("span", "sign", { n: "−", p: "+" }[sign]), element("span", "", name));
    button.append(element("kbd", "", player.keys[sign].join(" ")));
    button.addEventListener("click", () => guess(play, number, sign));
    choices.append(button);
  }
  seat.append(choices);
  return seat;
}

function newScore(player) {
  const score = element("div", "score");
  const dots = element("p", "dots");
  dots.setAttribute("aria-hidden", "true");
  for (const hit of player.hits)
    dots.append(element("span", hit ? "hit" : "miss", hit ? "✓" : "✗"));
  const streak = player.streak > 1 ? `, ${player.streak} in a row` : "";
  score.append(element("p", "right", `${player.right} right${streak}`), dots);
  return score;
}

function guess(play, number, sign) {
  if (play.sent || play.data.reveal || play.guesses[number]) return;
  play.guesses[number] = sign;
  const alone = play.guesses.length === 1;
  const choices = play.seats[number].querySelectorAll(".choice");
  choices.forEach((button, i) => {
    button.disabled = true;
    // With two players the choice stays hidden until both have guessed.
    button.classList.toggle("chosen", alone && "np"[i] === sign);
  });
  if (!alone) play.seats[number].append(element("p", "locked", "Guessed"));
  if (play.guesses.every(Boolean)) {
    play.sent = true;
    play.send("guessed", {
      game: play.data.game,
      turn: play.data.turn,
      guesses: play.guesses.join(""),
    });
  }
}

function nextPatch(play) {
  if (play.sent || !play.data.reveal) return;
  play.sent = true;
  play.send("next", { game: play.data.game, turn: play.data.turn });
}

function handleKey(play, event) {
  if (event.repeat || event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented)
    return;
  const path = event.composedPath();
  if (path.some(usesKeys)) return;
  if (play.data.reveal) {
    if (event.key !== "Enter" && event.key !== " ") return;
    if (path.some((node) => node.matches?.("button, a, summary, [role=button]"))) return;
    event.preventDefault();
    return nextPatch(play);
  }
  const key = event.key.length === 1 ? event.key.toUpperCase() : event.key;
  play.data.players.forEach((player, number) => {
    for (const sign of ["n", "p"]) {
      if (!player.codes[sign].includes(key)) continue;
      event.preventDefault();
      guess(play, number, sign);
    }
  });
}

// Elements that use typed or arrow keys themselves.
function usesKeys(node) {
  return node.matches?.(
    "input, textarea, select, [contenteditable=true], [role=option], [role=radio], [role=slider]," +
      " [role=tab], [role=listbox], [role=combobox], [role=dialog], .around",
  );
}
