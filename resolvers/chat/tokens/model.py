"""An access token of a platform's API, and when it may be forced anew."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

# WeChat forces a stable token at most 20 times a day and not within 30 s of the last time. A little less, and a little
# later, than it says: what it counts is its own clock.
FORCED_A_DAY = 18
FORCED_APART = timedelta(seconds=31)
REFUSED_APART = FORCED_APART  # between two fetches because a token was refused, of any platform
DAY = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class KeptToken:
    """A token with the moment from which it is renewed, ahead of its end."""

    token: str
    renew_at: datetime
    expires_at: datetime


def may_force(forced: Sequence[datetime], now: datetime) -> bool:
    """Whether the platform would let a token be forced once more, after these times."""
    of_the_day = [each for each in forced if now - each < DAY]
    return len(of_the_day) < FORCED_A_DAY and all(now - each >= FORCED_APART for each in of_the_day)
