"""What goes into a field of a template: values made to fit its limits without saying something else.

The limits are WeChat's (subscribeMessage.send); a value that is longer is refused with 47003. QQ states none, and is
given the same.
"""

import re
import unicodedata
from collections.abc import Callable
from datetime import datetime
from zoneinfo import ZoneInfo

from resolvers.chat.messages.model import FieldKind, Value
from resolvers.money import display

NOTHING = "无"  # an empty field is refused; so is this where Han are not taken
_NOTHING = {
    FieldKind.NUMBER: "0",
    FieldKind.LETTER: "N",
    FieldKind.SYMBOL: "-",
    FieldKind.CHARACTER_STRING: "-",
    FieldKind.AMOUNT: "¥0.00",
    FieldKind.PHONE_NUMBER: "-",
}
ELLIPSIS = "…"
THING = 20
CHARACTERS = 32  # of number, letter, character_string
SYMBOLS = 5
NAME_WITH_HAN, NAME_OF_LETTERS = 10, 20
PHRASE = 5
PHONE, CAR = 17, 8
AMOUNT_DIGITS = 10

_BRACKETED = re.compile(r"\s*[（(【\[][^（(【\[]*[）)】\]]\s*$")
_NUMERALS = "0-9.,:%〇零一二两三四五六七八九十百千万亿"
_OF_A_NUMBER = re.compile(f"[{_NUMERALS}折]")
_MARK_IN_A_NUMBER = re.compile("(?<=[0-9])(?:[，．：](?=[0-9])|[％])")
_NUMBER_AT_THE_END = re.compile(f"[¥￥]?[{_NUMERALS}]+$")


def fit(kind: FieldKind, value: Value | None, zone: str) -> str:
    """A value as a field of this kind shows it, never empty. Times are told on the clock of `zone`."""
    return _FITTING[kind](_said(kind, value, zone)) or _NOTHING.get(kind, NOTHING)


def _said(kind: FieldKind, value: Value | None, zone: str) -> str:
    match value:
        case datetime():
            local = value.astimezone(ZoneInfo(zone))
            day = f"{local.year}年{local.month}月{local.day}日"
            return day if kind is FieldKind.DATE else f"{day} {local:%H:%M}"
        case int() if kind in (FieldKind.NUMBER, FieldKind.CHARACTER_STRING):
            return str(value)
        case int():
            return display(value)
        case None:
            return ""
    return plain(value)


def plain(text: str) -> str:
    """One line without control characters, full-width digits and letters, and marks within numbers, as everybody's."""
    text = "".join(unicodedata.normalize("NFKC", each) if "０" <= each <= "ｚ" else each for each in text)
    text = _MARK_IN_A_NUMBER.sub(lambda found: unicodedata.normalize("NFKC", found[0]), text)
    shown = "".join(" " if unicodedata.category(each) in ("Cc", "Cf", "Zl", "Zp") else each for each in text)
    return " ".join(shown.split())


def units(text: str) -> int:
    """How long a text is for the platforms, which count UTF-16: an emoji is two."""
    return len(text.encode("utf-16-le")) // 2


def shortened(text: str, limit: int) -> str:
    """A text of at most `limit` characters that says nothing else: what stands in brackets at its end goes first.

    A number is never cut in two, in digits or in Chinese, for "满100减2…" is another coupon than "满100减20".
    """
    while units(text) > limit and (found := _BRACKETED.search(text)) and found.start() > 0:
        text = text[: found.start()]
    if units(text) <= limit:
        return text
    kept = _first(text, limit - 1)
    if _OF_A_NUMBER.match(text[len(kept)]):
        kept = _NUMBER_AT_THE_END.sub("", kept) or kept
    return kept.rstrip("，、；：,;: ") + ELLIPSIS


def _first(text: str, limit: int) -> str:
    while units(text) > limit:
        text = text[: limit if len(text) > limit else -1]
    return text


def _only(allowed: str, limit: int) -> Callable[[str], str]:
    """Only such characters, and of too many the last: the end of a number tells it from others."""
    pattern = re.compile(f"[^{allowed}]")
    return lambda text: pattern.sub("", text)[-limit:]


def _name(text: str) -> str:
    return _first(text, NAME_OF_LETTERS if text.isascii() else NAME_WITH_HAN)


def _phrase(text: str) -> str:
    return "".join(each for each in text if "\u4e00" <= each <= "\u9fff")[:PHRASE]


def _amount(text: str) -> str:
    """One sign of a currency and ten digits: no minus, and whole yuan where fen do not fit, rounded down."""
    text = text.removeprefix("-")
    if sum(each.isdigit() for each in text) > AMOUNT_DIGITS:
        text = text.partition(".")[0]
    return text if sum(each.isdigit() for each in text) <= AMOUNT_DIGITS else ""


_FITTING: dict[FieldKind, Callable[[str], str]] = {
    FieldKind.THING: lambda text: shortened(text, THING),
    FieldKind.NUMBER: _only("0-9.", CHARACTERS),
    FieldKind.LETTER: _only("A-Za-z", CHARACTERS),
    FieldKind.SYMBOL: lambda text: "".join(each for each in text if not each.isalnum())[:SYMBOLS],
    FieldKind.CHARACTER_STRING: _only("!-~", CHARACTERS),
    FieldKind.TIME: lambda text: text,
    FieldKind.DATE: lambda text: text,
    FieldKind.AMOUNT: _amount,
    FieldKind.PHONE_NUMBER: _only("0-9+*-", PHONE),
    FieldKind.CAR_NUMBER: lambda text: _first(text, CAR),
    FieldKind.NAME: _name,
    FieldKind.PHRASE: _phrase,
}
