"""How the platforms write moments: RFC 3339 and yyyyMMddHHmmss, both in China's zone."""

from datetime import datetime, timedelta, timezone

CHINA = timezone(timedelta(hours=8))


def rfc3339(seconds: float) -> str:
    return datetime.fromtimestamp(int(seconds), CHINA).isoformat()


def compact(seconds: float) -> str:
    """yyyyMMddHHmmss, GMT+8."""
    return datetime.fromtimestamp(int(seconds), CHINA).strftime("%Y%m%d%H%M%S")


def parse_rfc3339(text: str) -> float | None:
    """Seconds since 1970, or None when the text is no RFC 3339 moment with a zone."""
    if len(text) < 20 or text[10] != "T":
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return None if moment.tzinfo is None else moment.timestamp()


def parse_compact(text: str) -> float | None:
    if len(text) != 14 or not (text.isascii() and text.isdigit()):
        return None
    try:
        return datetime.strptime(text, "%Y%m%d%H%M%S").replace(tzinfo=CHINA).timestamp()
    except ValueError:
        return None
