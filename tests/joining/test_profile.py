"""Nickname and picture: what may be one, where it is shown, how it is served."""

import base64
import struct
import zlib
from typing import Any

import pytest

from scripts.client import Api, GraphQLFailed, Refused, new_key
from tests.support.faults import fault
from tests.support.world import World

ME = "me { nickname avatarUrl }"


def png(width: int, height: int, padding: int = 0) -> bytes:
    """The beginning of a PNG of so many pixels."""
    body = b"IHDR" + struct.pack(">II", width, height) + b"\x08\x02\x00\x00\x00"
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + body + struct.pack(">I", zlib.crc32(body)) + b"\0" * padding


def jpeg(width: int, height: int) -> bytes:
    """The beginning of a JPEG with a segment before the one that states its size."""
    size = struct.pack(">HBHHB", 11, 8, height, width, 1) + b"\x01\x11\x00"
    return b"\xff\xd8\xff\xe0" + struct.pack(">H", 4) + b"xx" + b"\xff\xc0" + size + b"\xff\xd9"


def webp(kind: bytes, width: int, height: int) -> bytes:
    """The beginning of a WebP of one of its three kinds."""
    about = {
        b"VP8X": b"\0\0\0\0" + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little"),
        b"VP8L": b"\x2f" + struct.pack("<I", (width - 1) | (height - 1) << 14),
        b"VP8 ": b"\0\0\0\x9d\x01\x2a" + struct.pack("<HH", width, height),
    }[kind]
    return b"RIFF" + struct.pack("<I", 12 + len(about)) + b"WEBP" + kind + struct.pack("<I", len(about)) + about


async def update(person: Api, **fields: Any) -> dict[str, Any]:
    """The profile after a change. Raises Refused, GraphQLFailed."""
    done: dict[str, Any] = (await person.do("updateProfile", ME, **fields, idempotencyKey=new_key()))["me"]
    return done


def encoded(content: bytes) -> str:
    """A picture as it is sent."""
    return base64.b64encode(content).decode()


async def test_a_nickname_is_trimmed_kept_and_shown(world: World) -> None:
    person = await world.person()
    assert (await update(person, nickname="  小海 🦐 "))["nickname"] == "小海 🦐"
    assert (await update(person))["nickname"] == "小海 🦐"
    assert (await person.ask("{ me { nickname } }"))["me"]["nickname"] == "小海 🦐"


@pytest.mark.parametrize(
    "name",
    [
        "",
        "   ",
        "x" * 21,
        "a\u202eb",
        "a\nb",
        "\u200b",
        "a\x00b",
        "a\u061cb",
        "a\u200bb",
        "\u3164",
        "\u2800",
        "a\U000e0041",
    ],
)
async def test_what_is_no_nickname_is_refused(world: World, name: str) -> None:
    person = await world.person()
    with pytest.raises(Refused) as refused:
        await update(person, nickname=name)
    assert (refused.value.code, refused.value.error["field"]) == ("TEXT_REJECTED", ["input", "nickname"])


async def test_the_platform_is_asked_before_anybody_sees_it(world: World) -> None:
    person = await world.person()
    await update(person, nickname="阿海")
    with pytest.raises(Refused) as refused:
        await update(person, nickname="赌博")
    assert refused.value.code == "TEXT_REJECTED"
    async with fault(world.http, world.simulator, "msg_sec_check", "error"):
        with pytest.raises(Refused) as refused:
            await update(person, nickname="小海")
    assert refused.value.code == "PLATFORM_UNAVAILABLE"
    assert (await person.ask("{ me { nickname } }"))["me"]["nickname"] == "阿海"


@pytest.mark.parametrize(
    ("content", "media"),
    [
        (png(64, 64), "image/png"),
        (png(1_024, 1_024, 64 * 1_024 - 33), "image/png"),
        (jpeg(640, 480), "image/jpeg"),
        *[(webp(kind, 300, 200), "image/webp") for kind in (b"VP8X", b"VP8L", b"VP8 ")],
    ],
)
async def test_a_picture_is_served_as_what_it_is(world: World, content: bytes, media: str) -> None:
    person = await world.person()
    url = (await update(person, avatar=encoded(content)))["avatarUrl"]
    assert url.startswith(f"{world.gateway}/avatars/")
    async with world.http.get(url) as answer:
        assert (answer.status, await answer.read(), answer.headers["content-type"]) == (200, content, media)
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "immutable" in answer.headers["cache-control"]
    assert (await update(person, nickname="阿海"))["avatarUrl"] == url


@pytest.mark.parametrize(
    "avatar",
    [
        "not base64!",
        "",
        encoded(b"<svg xmlns='http://www.w3.org/2000/svg'/>"),
        encoded(b"GIF89a\x01\x00\x01\x00"),
        encoded(png(1_025, 10)),
        encoded(png(0, 10)),
        encoded(png(10, 10)[:20]),
        encoded(jpeg(2_000, 10)),
        encoded(b"\xff\xd8\xff\xe0\x00\x00"),
        encoded(webp(b"VP8X", 5_000, 10)),
        encoded(b"RIFF\0\0\0\0WEBPVP9 "),
        encoded(png(64, 64, 64 * 1_024 - 32)),
    ],
)
async def test_what_is_no_small_picture_is_refused(world: World, avatar: str) -> None:
    person = await world.person()
    with pytest.raises(GraphQLFailed) as failed:
        await update(person, avatar=avatar)
    assert failed.value.code == "BAD_USER_INPUT"


async def test_a_new_picture_has_a_new_address_and_the_last_is_gone(world: World) -> None:
    person = await world.person()
    first = (await update(person, avatar=encoded(png(10, 10))))["avatarUrl"]
    second = (await update(person, avatar=encoded(png(20, 20))))["avatarUrl"]
    assert first != second
    for url, status in ((first, 404), (second, 200), (f"{world.gateway}/avatars/{'x' * 900}", 404)):
        async with world.http.get(url) as answer:
            assert answer.status == status


async def test_the_same_key_answers_the_same_and_another_input_is_refused(world: World) -> None:
    person, key = await world.person(), new_key()
    for _ in range(2):
        await person.do("updateProfile", ME, nickname="阿海", idempotencyKey=key)
    with pytest.raises(Refused) as refused:
        await person.do("updateProfile", ME, nickname="小海", idempotencyKey=key)
    assert refused.value.code == "IDEMPOTENCY_KEY_REUSED"
