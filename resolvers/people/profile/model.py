"""Nicknames and pictures: what may be one."""

import base64
import binascii
import re
import struct
import unicodedata
from dataclasses import dataclass, field
from datetime import datetime

from resolvers.errors import BadInput, Refused

MAXIMUM_NICKNAME = 20  # characters, as on the chat platforms
MAXIMUM_PICTURE = 64 * 1024  # bytes
MAXIMUM_SIDE = 1_024  # pixels
_JOINER, _PICTURE_STYLE = "\u200d", "\ufe0f"  # within emoji
_BLANKS = frozenset("\u3164\u115f\u1160\uffa0\u2800\u00ad\u034f")  # letters and signs that show nothing
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}  # of a JPEG: those of its segments that state a size


_DATA_URL = re.compile(r"\Adata:image/[a-z]+;base64,")  # as browsers and canvases give it


class TextRejected(Refused):
    """The nickname is empty, too long, not to be shown, or not let through by the platform's content check."""

    code = "TEXT_REJECTED"
    message = "昵称包含不允许的内容，请修改"


@dataclass(frozen=True, slots=True)
class Picture:
    """A customer's picture; `id` is made of what it shows, so that a changed one has another address."""

    id: str
    customer_id: str
    media: str
    content: bytes = field(repr=False)
    at: datetime


def read_nickname(text: str) -> str:
    """A nickname without blanks around it. Raises TextRejected."""
    nickname = text.strip()
    if not 1 <= len(nickname) <= MAXIMUM_NICKNAME:
        raise TextRejected(f"昵称须为 1 到 {MAXIMUM_NICKNAME} 个字", field=("input", "nickname"))
    if any(not _may_stand(each) for each in nickname):
        raise TextRejected("昵称含有不能显示的字符", field=("input", "nickname"))
    if not any(unicodedata.category(each)[0] in "LNPS" for each in nickname):
        raise TextRejected("昵称不能为空", field=("input", "nickname"))
    return nickname


def _may_stand(character: str) -> bool:
    """Not for what shows nothing, or turns around what stands beside it."""
    if character in (_JOINER, _PICTURE_STYLE):
        return True
    return character not in _BLANKS and unicodedata.category(character) not in (
        "Cc",
        "Cf",
        "Cs",
        "Co",
        "Zl",
        "Zp",
    )


def read_picture(text: str) -> tuple[str, bytes]:
    """(media type, bytes) of a small picture in base64, its header read. Raises BadInput."""
    if len(text) > MAXIMUM_PICTURE * 4 // 3 + 4:
        raise BadInput(f"avatar must have at most {MAXIMUM_PICTURE} bytes.")
    try:
        content = base64.b64decode(_DATA_URL.sub("", text, count=1), validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadInput("avatar must be base64.") from error
    media, width, height = _measured(content)
    if len(content) > MAXIMUM_PICTURE or not (1 <= width <= MAXIMUM_SIDE and 1 <= height <= MAXIMUM_SIDE):
        raise BadInput(f"avatar must have at most {MAXIMUM_PICTURE} bytes and {MAXIMUM_SIDE} pixels a side.")
    return media, content


def _measured(content: bytes) -> tuple[str, int, int]:
    """(media type, width, height) as the header says. Raises BadInput for anything but PNG, JPEG and WebP."""
    try:
        if content.startswith(b"\x89PNG\r\n\x1a\n") and content[12:16] == b"IHDR":
            return ("image/png", *struct.unpack(">II", content[16:24]))
        if content.startswith(b"\xff\xd8\xff"):
            return ("image/jpeg", *_jpeg_size(content))
        if content.startswith(b"RIFF") and content[8:12] == b"WEBP":
            return ("image/webp", *_webp_size(content))
    except (struct.error, IndexError) as error:
        raise BadInput("avatar ends before it is whole.") from error
    raise BadInput("avatar must be a PNG, a JPEG or a WebP.")


def _jpeg_size(content: bytes) -> tuple[int, int]:
    place = 2
    while True:
        while content[place] == 0xFF and content[place + 1] == 0xFF:  # padding
            place += 1
        marker = content[place + 1]
        (length,) = struct.unpack(">H", content[place + 2 : place + 4])
        if content[place] != 0xFF or length < 2:
            raise IndexError
        if marker in _FRAMES:
            height, width = struct.unpack(">HH", content[place + 5 : place + 9])
            return width, height
        place += 2 + length


def _webp_size(content: bytes) -> tuple[int, int]:
    kind, start = content[12:16], 20
    if kind == b"VP8X":
        width = int.from_bytes(content[start + 4 : start + 7], "little") + 1
        return width, int.from_bytes(content[start + 7 : start + 10], "little") + 1
    if kind == b"VP8L":
        (bits,) = struct.unpack("<I", content[start + 1 : start + 5])
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == b"VP8 " and content[start + 3 : start + 6] == b"\x9d\x01\x2a":
        width, height = struct.unpack("<HH", content[start + 6 : start + 10])
        return width & 0x3FFF, height & 0x3FFF
    raise IndexError
