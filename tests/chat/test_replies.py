"""Reply rules: which one answers, what may stand in one, and what it comes to for the person who writes."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from resolvers.brands.model import parse_hours
from resolvers.chat.replies.model import (
    Content,
    ContentKind,
    Match,
    ReplyRule,
    RuleInvalid,
    answering,
    check_rule,
    first_of,
    keyed,
)
from resolvers.coupons.model import Window
from scripts.client import Api, GraphQLFailed, Refused, new_key
from tests.chat.talking import new_user, on_the_phone
from tests.support.world import World

ZONE = ZoneInfo("Asia/Shanghai")
SUNDAY_NOON = datetime(2026, 11, 22, 12, 0, tzinfo=ZONE)
TEXT = Content(ContentKind.TEXT, text="好的")
WELCOME = "欢迎来到汐满楼！回复“优惠”看看您能领的券，回复“客服”找我们的同事。"
RULES = "replyRules { id match words content { kind text } windows { weekdays hours { start until } } }"


def rule(name: str, match: Match, *words: str, windows: tuple[Window, ...] = (), content: Content = TEXT) -> ReplyRule:
    """A rule called by its id."""
    return ReplyRule(name, "brd", 1, match, words, windows, content)


def answered(rules: list[ReplyRule], text: str, at: datetime = SUNDAY_NOON) -> str | None:
    """The id of the rule that answers."""
    found = answering(rules, text, at)
    return found.id if found else None


def test_the_order_alone_decides() -> None:
    exact, contains = rule("exact", Match.EXACT, "优惠"), rule("contains", Match.CONTAINS, "优惠")
    assert answered([exact, contains], "优惠") == "exact"
    assert answered([contains, exact], "优惠") == "contains"
    assert answered([exact, contains], "有优惠吗") == "contains"
    assert answered([exact], "有优惠吗") is None


def test_a_default_answers_what_no_other_does_wherever_it_stands() -> None:
    rules = [rule("default", Match.DEFAULT), rule("later", Match.DEFAULT), rule("exact", Match.EXACT, "a")]
    assert [answered(rules, text) for text in ("a", "b", "")] == ["exact", "default", "default"]
    assert first_of(rules, Match.SUBSCRIBE, SUNDAY_NOON) is None


@pytest.mark.parametrize("text", ["vip", " VIP ", "ＶＩＰ", "Vip\n"])
def test_width_case_and_blanks_do_not_matter(text: str) -> None:
    assert answered([rule("r", Match.EXACT, "ｖＩp")], text) == "r"
    assert answered([rule("r", Match.CONTAINS, "ｖＩp")], f"我是{text}吗") == "r"


def test_windows_hold_in_the_brands_zone_and_over_midnight() -> None:
    """Saturday 22:00 to 02:00: the hours after midnight belong to Saturday, though they are Sunday's."""
    night = rule("night", Match.DEFAULT, windows=(Window((6,), (parse_hours("22:00", "02:00"),)),))
    saturday = datetime(2026, 11, 21, 0, 0, tzinfo=ZONE)
    hours = {21: None, 22: "night", 25: "night", 26: None, 46: None}
    assert {hour: answered([night], "x", saturday + timedelta(hours=hour)) for hour in hours} == hours


def test_buttons_and_codes_find_their_rule() -> None:
    desk = rule("desk", Match.EXACT, "客服", content=Content(ContentKind.DESK))
    rules = [
        rule("holds", Match.CONTAINS, "优惠", "12"),
        rule("scene", Match.EXACT, "scene:12"),
        desk,
        rule("else", Match.DEFAULT),
    ]
    wanted = {
        "reply:scene": "scene",
        "reply:none": None,
        "desk": "desk",
        "优惠": "holds",
        "scene:12": "scene",  # not the one that merely holds a 12
        "scene:3": None,
        "unknown": None,
    }
    found = {key: keyed(rules, key, SUNDAY_NOON) for key in wanted}
    assert {key: each.id if each else None for key, each in found.items()} == wanted


@pytest.mark.parametrize(
    ("field", "change"),
    [
        ("words", {"words": []}),
        ("words", {"words": ["a"] * 21}),
        ("words", {"words": ["a" * 31]}),
        ("words", {"words": ["  "]}),
        ("words", {"words": ["a\x00"]}),
        ("words", {"match": Match.DEFAULT}),
        ("windows", {"windows": [Window((8,), ())]}),
        ("windows", {"windows": [Window((1, 1), ())]}),
        ("windows", {"windows": [Window()] * 15}),
        ("text", {"content": Content(ContentKind.TEXT)}),
        ("text", {"content": Content(ContentKind.TEXT, text="a" * 601)}),
        ("text", {"content": Content(ContentKind.TEXT, text="😀" * 513)}),  # 2 052 bytes
        *[
            ("text", {"content": Content(ContentKind.TEXT, text=f"a{each}")})
            for each in "\x07\x7f\x9f\ud800\udfff\ufffe\uffff"
        ],
        ("words", {"words": ["a\uffff"]}),
        ("mediaId", {"content": Content(ContentKind.IMAGE)}),
        ("mediaId", {"content": Content(ContentKind.IMAGE, media_id="é")}),
        ("title", {"content": Content(ContentKind.NEWS, url="https://a.b", picture_url="https://a.b")}),
        ("pictureUrl", {"content": Content(ContentKind.NEWS, title="t", picture_url="http://a.b", url="https://a.b")}),
        ("url", {"content": Content(ContentKind.NEWS, title="t", picture_url="https://a.b", url="javascript:1")}),
        ("pagePath", {"content": Content(ContentKind.COUPONS, title="t", media_id="m", page_path="/pages")}),
        ("pagePath", {"content": Content(ContentKind.MINI_PROGRAM, title="t", media_id="m")}),
    ],
)
def test_a_rule_that_could_not_work_is_refused_with_its_field(field: str, change: dict[str, Any]) -> None:
    whole: dict[str, Any] = {"match": Match.EXACT, "words": ["a"], "windows": [], "content": TEXT}
    check_rule(**whole)
    with pytest.raises(RuleInvalid) as refused:
        check_rule(**whole | change)
    assert refused.value.field[-1] == field


async def test_following_clicking_and_scanning_are_answered(world: World) -> None:
    say, user = world.phone.say, new_user()
    assert (await say(user, event="subscribe"))["reply"] == {"type": "text", "text": WELCOME}
    assert (await say(user, event="CLICK", key="我的优惠"))["reply"]["text"].startswith("您现在可以领取")
    assert (await say(user, event="SCAN", key="nobody"))["reply"] is None
    assert (await say(user, event="VIEW", key="https://a.b"))["reply"] is None
    assert (await say(user, event="unsubscribe"))["reply"] is None
    staff = await world.staff()
    made = await _put(staff, "EXACT", ["scene:table-7"], kind="NEWS", **_ARTICLE)
    found = {
        "type": "news",
        "article": {"Title": "今日", "Description": "", "PicUrl": "https://a.b/p", "Url": "https://a.b"},
    }
    assert (await say(user, event="SCAN", key="table-7"))["reply"] == found
    assert (await say(user, event="subscribe", key="qrscene_table-7"))["reply"] == found
    assert (await say(user, event="CLICK", key=f"reply:{made['id']}"))["reply"] == found
    assert (await say(user, event="scancode_waitmsg", key="客服", scan_result="x"))["reply"]["text"].startswith("正在")
    await staff.do("deleteReplyRule", "rules { id }", ruleId=made["id"])


async def test_the_coupons_of_this_very_person(world: World) -> None:
    """One who has claimed what may be claimed once is not offered it again, one who is not known is as a new member."""
    user = new_user()
    api = await world.person(name=user)
    assert "新会员见面礼" in (await world.phone.say(user, text="有什么优惠"))["reply"]["text"]
    template = world.seeded["template_ids"]["welcome"]
    await api.do("claimCoupon", "coupon { id }", templateId=template, idempotencyKey=new_key())
    said = (await world.phone.say(user, text="有什么优惠"))["reply"]["text"]
    assert "新会员见面礼" not in said
    query = """query($id: ID!) { brand(id: $id) { claimableCoupons(first: 100) { nodes {
      title notClaimable price { amountFen } } } } }"""
    claimable = (await api.ask(query, id=world.brand_id))["brand"]["claimableCoupons"]["nodes"]
    could = [each["title"] for each in claimable if each["notClaimable"] is None and each["price"] is None]
    assert len(could) == 6
    first, *shown, last = said.split("\n")
    assert (first, len(shown), last) == ("您现在可以领取：", 5, "…更多优惠请打开小程序查看")
    assert all(title in line for title, line in zip(could, shown, strict=False))
    assert "新会员见面礼" in (await world.phone.say(new_user(), text="有什么优惠"))["reply"]["text"]
    card = (await on_the_phone(world, user, 2))[-1]["miniprogrampage"]
    assert (card["pagepath"], card["appid"]) == ("pages/coupons/index?from=oa", world.settings["KABAO_WECHAT_APP_ID"])


async def test_managers_write_move_delete_and_try_rules_out(world: World) -> None:
    staff, cashier = await world.staff("manager-gz"), await world.staff("cashier-riverside")
    before = await _ids(staff)
    key = new_key()
    made = await _put(staff, "CONTAINS", ["停车"], key=key, kind="TEXT", text="地下车库免费停两小时")
    again = await _put(staff, "CONTAINS", ["停车"], key=key, kind="TEXT", text="地下车库免费停两小时")
    assert again["id"] == made["id"]
    assert await _ids(staff) == [*before, made["id"]]
    moved = await staff.do("moveReplyRule", "rules { id }", ruleId=made["id"], beforeRuleId=before[0])
    assert [each["id"] for each in moved["rules"]] == [made["id"], *before] == await _ids(staff)
    assert (await world.phone.say(new_user(), text="停车优惠吗"))["reply"]["text"] == "地下车库免费停两小时"
    moved = await staff.do("moveReplyRule", "rules { id }", ruleId=made["id"])
    assert [each["id"] for each in moved["rules"]] == [*before, made["id"]]
    assert (await world.phone.say(new_user(), text="停车优惠吗"))["reply"]["text"].startswith("您现在可以领取")
    dry = "query($t: String!, $at: DateTime) { dryRunReply(text: $t, at: $at) { rule { id } text } }"
    talks = await world.app.connection.collection("conversations").count_documents({})
    assert (await staff.ask(dry, t="停车"))["dryRunReply"] == {
        "rule": {"id": made["id"]},
        "text": "地下车库免费停两小时",
    }
    assert (await staff.ask(dry, t="无关"))["dryRunReply"] == {"rule": None, "text": None}
    assert await world.app.connection.collection("conversations").count_documents({}) == talks
    window = {"weekdays": [7], "hours": [{"start": 60, "until": 120}]}
    await _put(staff, "CONTAINS", ["停车"], rule_id=made["id"], windows=[window], kind="TEXT", text="夜里")
    asked = {"2026-11-21T17:30:00Z": "夜里", "2026-11-21T18:00:00Z": None, "2026-11-22T17:30:00Z": None}
    for at, text in asked.items():  # Sunday 01:30, 02:00 and Monday 01:30 in Shanghai
        assert (await staff.ask(dry, t="停车", at=at))["dryRunReply"]["text"] == text
    for _ in range(2):
        left = await staff.do("deleteReplyRule", "rules { id }", ruleId=made["id"])
        assert [each["id"] for each in left["rules"]] == before
    for verb, fields in (
        ("deleteReplyRule", {"ruleId": before[0]}),
        ("moveReplyRule", {"ruleId": before[0]}),
        ("putReplyRule", {"match": "DEFAULT", "words": [], "content": {"kind": "DESK"}, "idempotencyKey": new_key()}),
    ):
        with pytest.raises(Refused, match="NOT_ALLOWED"):
            await cashier.do(verb, "__typename", **fields)
    with pytest.raises(GraphQLFailed, match="FORBIDDEN"):
        await cashier.ask(dry, t="停车")
    rows = await world.app.connection.collection("staff_actions").find({"target_id": made["id"]}).to_list(None)
    assert sorted(row["verb"] for row in rows) == [
        "deleteReplyRule",
        "moveReplyRule",
        "moveReplyRule",
        "putReplyRule",
        "putReplyRule",
    ]


async def test_another_brands_rules_are_out_of_reach(world: World) -> None:
    ours, theirs = await world.staff(), await world.staff("tea-owner")
    [first, *_] = await _ids(ours)
    assert first not in await _ids(theirs)
    for verb, fields in (
        ("deleteReplyRule", {"ruleId": first}),
        ("moveReplyRule", {"ruleId": first}),
        (
            "putReplyRule",
            {"ruleId": first, "match": "DEFAULT", "words": [], "content": {"kind": "DESK"}, "idempotencyKey": "k"},
        ),
    ):
        with pytest.raises(Refused, match="NOT_FOUND"):
            await theirs.do(verb, "__typename", **fields)
    assert (await ours.ask(f"{{ {RULES} }}"))["replyRules"][0]["id"] == first


async def test_a_brand_has_a_hundred_rules_at_the_most(world: World) -> None:
    theirs = await world.staff("tea-owner")
    rules = [rule(f"rul_many{number:03}", Match.EXACT, f"{number}") for number in range(100)]
    brand_id = (await world.app.staff.named("tea-owner")).brand_id  # type: ignore[union-attr]
    for number, each in enumerate(rules):
        await world.app.reply_rules.put(None, replace(each, brand_id=brand_id, position=number))
    with pytest.raises(Refused, match="LIMIT_REACHED"):
        await _put(theirs, "EXACT", ["101"], kind="TEXT", text="x")
    assert len(await _ids(theirs)) == 100


_ARTICLE = {"title": "今日", "pictureUrl": "https://a.b/p", "url": "https://a.b"}


async def _put(
    staff: Api,
    match: str,
    words: list[str],
    rule_id: str | None = None,
    windows: Any = (),
    key: str | None = None,
    **content: Any,
) -> Any:
    fields = {"ruleId": rule_id, "match": match, "words": words, "windows": list(windows), "content": content}
    return (await staff.do("putReplyRule", "rule { id }", **fields, idempotencyKey=key or new_key()))["rule"]


async def _ids(staff: Api) -> list[str]:
    return [each["id"] for each in (await staff.ask(f"{{ {RULES} }}"))["replyRules"]]
