"""The values of a menu file, each read or refused with a reason."""

import re
import unicodedata
from typing import Any

from resolvers.brands.model import Hours, parse_hours

MAXIMUM_PRICE_FEN = 10_000_000  # of one dish or option; beyond that somebody mistyped
MAXIMUM_RANGES = 10  # of one dish's mealtimes or special price
QUOTED = 40  # characters of what is wrong, in a message
_YUAN = re.compile(r"([+-]?)([0-9]{1,9})(?:\.([0-9]{1,2}))?")
_RANGE = re.compile(r"([0-9]{1,2}:[0-5][0-9])\s*-\s*([0-9]{1,2}:[0-5][0-9])")


class Untaken(Exception):
    """Why a line cannot be taken."""


def shown(value: Any) -> str:
    """A value as a message quotes it, not longer than helps."""
    return f'"{short(value if isinstance(value, str) else repr(value))}"'


def short(written: str) -> str:
    """What was written, in one line and not longer than helps."""
    cut = f"{written[:QUOTED]}…" if len(written) > QUOTED else written
    return "".join(each if each.isprintable() else ascii(each)[1:-1] for each in cut)


def text(value: Any, what: str, most: int, *, needed: bool = False) -> str | None:
    """A text without blanks around it; None for an empty one. Raises Untaken."""
    if value is not None and not isinstance(value, str):
        raise Untaken(f"{what} {shown(value)} is not a text")
    found = (value or "").strip()
    if len(found) > most:
        raise Untaken(f"{what} {shown(found)} has {len(found)} characters; {most} are the most")
    if any(unicodedata.category(character) in ("Cc", "Cs", "Co", "Zl", "Zp") for character in found):
        raise Untaken(f"{what} has a line break or another character that cannot be shown")
    if needed and not found:
        raise Untaken(f"{what} is missing")
    return found or None


def fen(value: Any, what: str, *, may_be_negative: bool = False) -> int:
    """An amount in yuan, as fen: read digit by digit, so that nothing is rounded. Raises Untaken."""
    found = _YUAN.fullmatch(_plain(value)) if type(value) in (str, int) else None
    if found is None:
        raise Untaken(f"{what} {shown(value)} is not an amount in yuan such as 38 or 38.50")
    sign, yuan, decimals = found.groups(default="")
    amount = int(yuan) * 100 + int(decimals.ljust(2, "0"))
    if sign == "-" and amount and not may_be_negative:
        raise Untaken(f"{what} {shown(value)} is negative")
    if amount > MAXIMUM_PRICE_FEN:
        raise Untaken(f"{what} {shown(value)} is above {MAXIMUM_PRICE_FEN // 100} yuan")
    return -amount if sign == "-" else amount


def whole(value: Any, what: str, most: int) -> int:
    """A whole number from 0 on. Raises Untaken."""
    written = _plain(value) if type(value) in (str, int) else ""
    if re.fullmatch(r"[0-9]{1,9}", written) is None or int(written) > most:
        raise Untaken(f"{what} {shown(value)} is not a whole number from 0 to {most}")
    return int(written)


def ranges(value: Any, what: str) -> tuple[Hours, ...]:
    """Times of day, each such as 06:30-11:00. Raises Untaken."""
    return tuple(_range(each, what) for each in several(value, what, MAXIMUM_RANGES))


def _range(value: Any, what: str) -> Hours:
    found = _RANGE.fullmatch(_plain(value)) if isinstance(value, str) else None
    try:
        hours = parse_hours(*found.groups()) if found else None
    except ValueError:
        hours = None
    if hours is None or hours.start == hours.until or hours.start == 24 * 60:
        raise Untaken(f"{what} {shown(value)} is not a time of day such as 06:30-11:00")
    return hours


def weekdays(value: Any, what: str) -> tuple[int, ...]:
    """Weekdays, 1 Monday to 7, in order. Raises Untaken."""
    found = [each for each in several(value, what, 7) if type(each) is int and 1 <= each <= 7]
    if len(set(found)) < len(value or ()):
        raise Untaken(f"{what} {shown(value)} are not weekdays, each once, from 1 (Monday) to 7")
    return tuple(sorted(found))


def several(value: Any, what: str, most: int) -> list[Any]:
    """A list of so many at most; none for nothing. Raises Untaken."""
    if value is None:
        return []
    if not isinstance(value, list):
        raise Untaken(f"{what} {shown(value)} is not a list")
    if len(value) > most:
        raise Untaken(f"{what}: {len(value)} are given; {most} are the most")
    return value


def fields(value: Any, what: str, known: frozenset[str]) -> dict[str, Any]:
    """An object with none but these fields. Raises Untaken."""
    if not isinstance(value, dict):
        raise Untaken(f"{what} {shown(value)} is not an object")
    strange = sorted(set(value) - known)
    if strange:
        raise Untaken(f"{what} has no field {shown(strange[0])}")
    return value


def _plain(value: object) -> str:
    """What was typed, full-width digits and signs made ordinary ones."""
    return unicodedata.normalize("NFKC", str(value)).replace("\u2212", "-").strip()
