"""The logs tell what happened, in which time, under which id, and never a thing that opens a door."""

import json
import logging
import sys

import pytest

from gateway.logs import JsonFormatter, without_secrets
from scripts.client import Refused
from tests.gateway.raw import send, signed_in_socket
from tests.support.world import World


async def test_a_request_leaves_one_line_with_its_id_name_status_and_time(world: World, log_lines: list[str]) -> None:
    answer = await send(world, {"query": "query WhoAmI { me { id } }"})
    lines = [json.loads(line) for line in log_lines if answer.headers["x-request-id"] in line]
    assert len(lines) == 1
    line = lines[0]
    assert set(line) == {"at", "level", "logger", "message", "request_id", "status", "milliseconds", "operation"}
    assert (line["level"], line["logger"], line["message"]) == ("INFO", "kabao.http", "graphql")
    assert (line["status"], line["operation"]) == (200, "WhoAmI")
    assert 0 < line["milliseconds"] < 5_000
    assert line["at"].endswith("+00:00")


async def test_a_refused_request_leaves_one_too(world: World, log_lines: list[str]) -> None:
    answer = await send(world, b"{", content_type="text/plain")
    lines = [json.loads(line) for line in log_lines if answer.headers["x-request-id"] in line]
    assert [(line["status"], line["operation"]) for line in lines] == [(415, None)]


async def test_an_operation_on_a_socket_leaves_one_when_it_is_over(world: World, log_lines: list[str]) -> None:
    person = await world.person()
    async with signed_in_socket(world, person.token) as frames:
        await frames.subscribe("1", "query OnSocket { me { id } }")
        await frames.receive()
        await frames.receive()
        assert await frames.is_alive()
    lines = [json.loads(line) for line in log_lines if "OnSocket" in line]
    assert [set(line) >= {"request_id", "milliseconds", "operation"} for line in lines] == [True]


async def test_a_whole_visit_leaves_no_secret_in_the_logs(world: World, log_lines: list[str]) -> None:
    code = await world.phone.sign_in_code("WECHAT", "secretive")
    app_id = world.settings["KABAO_WECHAT_APP_ID"]
    visitor = world.visitor()
    wanted = "session { accessToken refreshToken }"
    session = (await visitor.do("signIn", wanted, platform="WECHAT", appId=app_id, code=code))["session"]
    with pytest.raises(Refused):
        await visitor.do("signIn", wanted, platform="WECHAT", appId=app_id, code=code)
    await world.phone.control("faults", match="/wechat/sns/jscode2session", mode="error")
    other_code = await world.phone.sign_in_code("WECHAT", "secretive")
    with pytest.raises(Refused):
        await visitor.do("signIn", wanted, platform="WECHAT", appId=app_id, code=other_code)
    visitor.token = session["accessToken"]
    again = (await visitor.do("refreshSession", wanted, refreshToken=session["refreshToken"]))["session"]
    template_id = world.seeded["template_ids"]["welcome"]
    claimed = await visitor.do("claimCoupon", "coupon { id }", templateId=template_id, idempotencyKey="k")
    digits = (await visitor.do("showCode", "digits", couponId=claimed["coupon"]["id"]))["digits"]
    staff = await world.staff()
    async with signed_in_socket(world, again["accessToken"]) as frames:
        await frames.send("[]")
        assert await frames.close_code() == 4400
    await send(world, {"query": "{ me { id } }"}, url=f"{world.url}?access_token={again['accessToken']}")
    secrets = [code, other_code, digits, staff.token, staff.refresh_token, world.seeded["staff"]["password"]]
    secrets += [each[name] for each in (session, again) for name in ("accessToken", "refreshToken")]
    text = "\n".join(log_lines)
    assert len(log_lines) >= 8
    assert [secret for secret in secrets if secret in text] == []


async def test_secrets_in_the_text_of_an_unexpected_error_are_struck_out(
    world: World, monkeypatch: pytest.MonkeyPatch, log_lines: list[str]
) -> None:
    person = await world.person()
    secrets = [person.token, person.refresh_token, "13800138000", "881234567890123456"]
    text = f"failed for {' and '.join(str(each) for each in secrets)} at https://x/?secret=abc123&js_code=def456"

    async def broken(*_: object) -> object:
        raise ValueError(text)

    monkeypatch.setattr(world.app.brands, "stores", broken)
    await send(world, {"query": '{ store(id: "x") { id } }'})
    told = "\n".join(log_lines)
    assert "failed for [removed] and [removed]" in told
    assert [each for each in [*secrets, "abc123", "def456"] if str(each) in told] == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("phone 13912345678.", "phone [removed]."),
        ("+8613912345678", "+8613912345678"),
        ("order 213912345678901", "order 213912345678901"),
        ("881234567890123456", "[removed]"),
        ("1881234567890123456", "1881234567890123456"),
        ("GET /sns/jscode2session?appid=wx1&secret=s3&js_code=c4&grant_type=x", None),
        ("nothing to hide", "nothing to hide"),
    ],
)
def test_what_looks_like_a_secret_is_struck_out(text: str, expected: str | None) -> None:
    found = without_secrets(text)
    if expected is not None:
        assert found == expected
    else:
        assert "s3" not in found
        assert "c4" not in found


def formatted(**fields: object) -> dict[str, object]:
    """A log record with extra fields, as a line is read back."""
    record = logging.makeLogRecord({"msg": "said", "levelno": 20, "levelname": "INFO", "name": "kabao", **fields})
    line: dict[str, object] = json.loads(JsonFormatter().format(record))
    return line


@pytest.mark.parametrize("odd", [2**70, "\ud800", {1: 2}, {"a": {"b": object}}, b"\xff", {3, 4}, float("nan")])
def test_a_line_is_written_whatever_is_logged(odd: object) -> None:
    assert formatted(odd=odd)["message"] == "said"


def test_a_line_stays_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    try:
        raise ValueError("two\nlines")
    except ValueError:
        record = logging.makeLogRecord({"msg": "a\r\nb\u2028c", "exc_info": sys.exc_info()})
    assert len(JsonFormatter().format(record).splitlines()) <= 2
    assert "\n" not in JsonFormatter().format(record)
