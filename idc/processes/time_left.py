"""The one estimate of remaining time: at the average speed so far."""


def time_left_s(elapsed_s: float, done: float, remaining: float) -> float | None:
    """Estimated seconds to the end; None before anything is done.

    Args:
        elapsed_s: seconds that ``done`` took.
        done, remaining: amounts of work in the same unit.
    """
    return elapsed_s / done * remaining if done else None
