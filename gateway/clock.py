"""The time of this machine."""

from datetime import UTC, datetime


class SystemClock:
    """The machine's clock, in UTC and whole milliseconds, which is what MongoDB keeps."""

    def now(self) -> datetime:
        """The present moment."""
        moment = datetime.now(UTC)
        return moment.replace(microsecond=moment.microsecond // 1000 * 1000)
