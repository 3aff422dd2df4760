"""How long a download waits for a bad connection, and how often it tries again."""

from dataclasses import dataclass


@dataclass(frozen=True)
class RetryPolicy:
    """Limits of a transfer.

    Attributes:
        stall_s: read timeout: seconds without a byte, before or during a response.
        tries: attempts in a row without progress before the download fails.
        backoff_s: pause after the first attempt without progress; doubles with each further one.
        backoff_most_s: the longest such pause.
        retry_after_most_s: the longest pause that a server may request.
    """

    stall_s: float = 30.0
    tries: int = 20
    backoff_s: float = 1.0
    backoff_most_s: float = 60.0
    retry_after_most_s: float = 300.0

    def pause_s(self, attempt: int, retry_after_s: float | None = None) -> float:
        """Seconds to wait after attempt number ``attempt`` (from 1) brought no progress.

        Args:
            retry_after_s: the pause that the server requested; takes precedence.
        """
        if retry_after_s is not None:
            return min(retry_after_s, self.retry_after_most_s)
        return min(self.backoff_s * 2.0 ** min(attempt - 1, 30), self.backoff_most_s)
