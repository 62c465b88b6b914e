"""Reading the answer to a code of the phone-number button, which has the same shape on both platforms."""

from typing import Any

from gateway.mini_program import CODE_BEEN_USED, CODE_INVALID
from resolvers.ports import CodeRefused, CodeUsed, OutsideFault

HOME = "86"  # China's country code; numbers of other countries are kept with theirs
LENGTHS = range(5, 16)  # digits of a number without its country code (E.164: 15 with it)


def read_phone_number(answer: dict[str, Any]) -> str:
    """The number of an answer. Raises CodeRefused, CodeUsed, OutsideFault."""
    match answer.get("errcode", 0):
        case 0:
            pass
        case code if code == CODE_BEEN_USED:
            raise CodeUsed
        case code if code == CODE_INVALID:  # unknown, expired, used, or of another person
            raise CodeRefused
        case code:
            raise OutsideFault(f"getuserphonenumber: {code}")
    about = answer.get("phone_info")
    number = about.get("purePhoneNumber") if isinstance(about, dict) else None
    country = str(about.get("countryCode")) if isinstance(about, dict) else ""  # a text or a number
    if not isinstance(number, str) or not _digits(number) or len(number) not in LENGTHS or not _digits(country):
        raise OutsideFault("getuserphonenumber answered without a number")
    return number if country == HOME else f"+{country}{number}"


def _digits(text: str) -> bool:
    return text.isascii() and text.isdigit()
