"""What is known of a server that is asked: how the last request ended, and whether requests wait now."""

from msgspec import Struct


class LastAnswer(Struct, frozen=True, kw_only=True):
    """End of the request that ended last."""

    at: float
    """When, on the monotonic clock."""
    seconds: float
    """How long it took."""
    status: int | None = None
    """The HTTP status; None: there was no answer."""
    trouble: str = ""
    """Why there was no answer, in words; the API key is not in it."""


class ServerReport(Struct, frozen=True, kw_only=True):
    """State of a server at a moment."""

    now: float
    """The moment, on the monotonic clock."""
    silent_since: float | None = None
    """Since when requests wait without any answer; None: none waits."""
    last: LastAnswer | None = None

    @property
    def silence(self) -> float:
        """Seconds for which requests have been waiting without any answer."""
        return 0.0 if self.silent_since is None else max(0.0, self.now - self.silent_since)

    @property
    def age(self) -> float:
        """Seconds since a request ended last."""
        return 0.0 if self.last is None else max(0.0, self.now - self.last.at)


class BrokerReport(Struct, frozen=True):
    """Last thing that was seen of the brokers."""

    at: float
    """When, on the monotonic clock."""
    trouble: str = ""
    """Why there is no connection; empty: there is one."""
