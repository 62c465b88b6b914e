"""The scene of a mini-program code: what it leads to, in at most 32 characters, signed so that none can be made up.

One letter for the kind, the id, and a MAC. An id of ours is 26 base-32 digits, 130 bits, which base64 says in 22
characters: that leaves 9 for the MAC, 54 bits. An id that is not such a number is taken as it is, under the same letter
as a capital, with the 5 characters (30 bits) that are left; so is a table's code, whose length is free.
"""

import base64
import hashlib
import hmac
import re
import string
from dataclasses import dataclass
from enum import StrEnum

from resolvers.errors import Refused

MAXIMUM_SCENE = 32  # characters; the platform refuses more
SHORTEST_MAC, LONGEST_MAC = 5, 9
ID_CHARACTERS = 26
COMPACT = 22
_BASE_32 = "0123456789abcdefghjkmnpqrstvwxyz"
_BASE_64 = string.ascii_uppercase + string.ascii_lowercase + string.digits + "-_"
_SCENE = re.compile(r"[0-9A-Za-z!#$&'()*+,/:;=?@._~-]{1,32}")


class SceneKind(StrEnum):
    """What a code leads to."""

    TABLE = "TABLE"
    STORE = "STORE"
    COUPON = "COUPON"
    GIFT = "GIFT"


LETTERS = {SceneKind.TABLE: "T", SceneKind.STORE: "s", SceneKind.COUPON: "c", SceneKind.GIFT: "g"}
PREFIXES = {SceneKind.STORE: "sto", SceneKind.COUPON: "tpl", SceneKind.GIFT: "gft"}


class CodeUnavailable(Refused):
    """The platform makes no such code, or would not make this one."""

    code = "CODE_UNAVAILABLE"
    message = "当前平台不支持小程序码"


class SceneTooLong(CodeUnavailable):
    """The table's code leaves no room for a signature."""

    message = "桌号过长，无法生成小程序码"


@dataclass(frozen=True, slots=True)
class Scene:
    """What a code leads to: a table's code, or the id of a store, a coupon template, a gift."""

    kind: SceneKind
    subject: str


@dataclass(frozen=True, slots=True)
class MiniCode:
    """A code as the platform has drawn it."""

    id: str
    image: bytes
    content_type: str


def scene_text(key: bytes, scene: Scene) -> str:
    """The scene as it goes into a code. Raises SceneTooLong."""
    if scene.kind is SceneKind.TABLE:
        said = LETTERS[scene.kind] + scene.subject
    else:
        tail = scene.subject.removeprefix(f"{PREFIXES[scene.kind]}_")
        compact = _compacted(tail)
        said = LETTERS[scene.kind] + compact if compact else LETTERS[scene.kind].upper() + tail
    room = min(MAXIMUM_SCENE - len(said), LONGEST_MAC)
    if room < SHORTEST_MAC:
        raise SceneTooLong
    return said + _mac(key, said)[:room]


def read_scene(key: bytes, text: str) -> Scene | None:
    """What a scene leads to; None when we have not made it."""
    if _SCENE.fullmatch(text) is None:
        return None
    for size in range(SHORTEST_MAC, LONGEST_MAC + 1):
        said, mac = text[:-size], text[-size:]
        scene = _read(said)
        if scene is not None and scene_size(said) == size and hmac.compare_digest(_mac(key, said)[:size], mac):
            return scene
    return None


def table_code_of(key: bytes, text: str) -> str:
    """The code of the table that a scene leads to; any other text is taken for a table's bare code."""
    scene = read_scene(key, text)
    return scene.subject if scene is not None and scene.kind is SceneKind.TABLE else text


def scene_size(said: str) -> int:
    """How many characters the MAC of so much has."""
    return min(MAXIMUM_SCENE - len(said), LONGEST_MAC)


def _read(said: str) -> Scene | None:
    letter, rest = said[:1], said[1:]
    if not rest:
        return None
    if letter == LETTERS[SceneKind.TABLE]:
        return Scene(SceneKind.TABLE, rest)
    for kind, prefix in PREFIXES.items():
        if letter == LETTERS[kind]:
            tail = _spread(rest)
            return Scene(kind, f"{prefix}_{tail}") if tail else None
        if letter == LETTERS[kind].upper():
            return Scene(kind, f"{prefix}_{rest}")
    return None


def _compacted(tail: str) -> str | None:
    if len(tail) != ID_CHARACTERS or any(each not in _BASE_32 for each in tail):
        return None
    return _in_base(_BASE_64, COMPACT, _number(_BASE_32, tail))


def _spread(compact: str) -> str | None:
    if len(compact) != COMPACT or any(each not in _BASE_64 for each in compact):
        return None
    number = _number(_BASE_64, compact)
    return _in_base(_BASE_32, ID_CHARACTERS, number) if number < 32**ID_CHARACTERS else None


def _number(digits: str, text: str) -> int:
    number = 0
    for each in text:
        number = number * len(digits) + digits.index(each)
    return number


def _in_base(digits: str, length: int, number: int) -> str:
    found = []
    for _ in range(length):
        number, digit = divmod(number, len(digits))
        found.append(digits[digit])
    return "".join(reversed(found))


def _mac(key: bytes, said: str) -> str:
    return base64.urlsafe_b64encode(hmac.new(key, said.encode(), hashlib.sha256).digest()).decode()
