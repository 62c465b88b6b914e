"""Codes and links: what they say, whom they lead where, and the card in the chat that follows a group gift."""

import base64
import re
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resolvers.brands.model import Table
from resolvers.chat.links.model import Scene, SceneKind, SceneTooLong, read_scene, scene_text
from resolvers.ids import new_id
from scripts.client import Api, Json, Refused, new_key
from scripts.demo_brands import made_id
from tests.gifts.wrapped import claim, give, holding, preview, withdraw
from tests.messages.phones import all_sent
from tests.payments.money import faulty
from tests.support.world import World
from tests.till.counter import hire

KEY = b"k" * 32
MADE = "scene image contentType urlLink urlExpiresAt"
TARGET = "query($s: String!) { scene(scene: $s) { kind tableCode giftToken store { id } template { id } } }"


@given(st.sampled_from(["sto", "tpl", "gft"]), st.integers(0, 2**130 - 1))
def test_every_id_of_ours_goes_into_thirty_two_characters_and_comes_out_again(prefix: str, number: int) -> None:
    digits = "0123456789abcdefghjkmnpqrstvwxyz"
    tail = "".join(digits[number >> 5 * place & 31] for place in range(26))
    kind = {"sto": SceneKind.STORE, "tpl": SceneKind.COUPON, "gft": SceneKind.GIFT}[prefix]
    text = scene_text(KEY, Scene(kind, f"{prefix}_{tail}"))
    assert len(text) == 32
    assert re.fullmatch(r"[0-9A-Za-z!#$&'()*+,/:;=?@._~-]{32}", text)
    assert read_scene(KEY, text) == Scene(kind, f"{prefix}_{tail}")


@pytest.mark.parametrize("code", ["T01", "SZ-T12", "a" * 26, "x"])
def test_a_tables_code_goes_in_as_it_is(code: str) -> None:
    text = scene_text(KEY, Scene(SceneKind.TABLE, code))
    assert len(text) <= 32
    assert text.startswith(f"T{code}")
    assert read_scene(KEY, text) == Scene(SceneKind.TABLE, code)


def test_a_tables_code_that_leaves_no_room_for_a_signature_is_refused() -> None:
    with pytest.raises(SceneTooLong):
        scene_text(KEY, Scene(SceneKind.TABLE, "a" * 27))


def test_not_one_character_of_a_scene_can_be_another(world: World) -> None:
    text = scene_text(KEY, Scene(SceneKind.GIFT, new_id("gft", world.clock.now())))
    for place in range(32):
        other = "A" if text[place] != "A" else "B"
        assert read_scene(KEY, text[:place] + other + text[place + 1 :]) is None
    assert read_scene(b"another" * 5, text) is None
    for length in range(32):
        assert read_scene(KEY, text[:length]) is None


@given(st.text(max_size=40))
def test_whatever_is_scanned_is_read_without_a_fault(text: str) -> None:
    assert read_scene(KEY, text) is None


async def made(owner: Api, kind: str, subject: str, **more: object) -> Json:
    return await owner.do("makeCode", MADE, kind=kind, id=subject, **more)


async def test_codes_of_tables_stores_and_coupons_lead_back_to_them(world: World) -> None:
    owner, visitor = await world.staff(), world.visitor()
    store = await world.app.brands.store(world.store_id)
    assert store is not None
    template_id = next(iter(world.seeded["template_ids"].values()))
    for kind, subject, found in (
        ("TABLE", store.tables[0].code, {"tableCode": store.tables[0].code, "store": {"id": store.id}}),
        ("STORE", store.id, {"store": {"id": store.id}}),
        ("COUPON", template_id, {"template": {"id": template_id}}),
    ):
        code = await made(owner, kind, subject)
        image = base64.b64decode(code["image"])
        assert image.startswith(b"\x89PNG")
        assert f"?scene={code['scene']}".encode() in image  # what the platform was asked to draw
        assert code["contentType"] == "image/png"
        assert code["urlLink"].startswith("https://wxaurl.cn/")
        nothing = {"tableCode": None, "giftToken": None, "store": None, "template": None}
        assert (await visitor.ask(TARGET, s=code["scene"]))["scene"] == {"kind": kind, **nothing, **found}
    bare = (await visitor.ask(TARGET, s=store.tables[0].code))["scene"]
    assert (bare["kind"], bare["tableCode"]) == ("TABLE", store.tables[0].code)
    for foreign in ("nothing-of-ours", "x" * 33):
        assert (await visitor.ask(TARGET, s=foreign))["scene"] is None


async def test_a_link_is_made_once_and_anew_a_week_before_its_end(world: World) -> None:
    giver, card = await holding(world, 5_000)
    gift = await give(giver, cardId=card.id, amountFen=1_000)
    links = [(await giver.do("shareGift", MADE, giftId=gift["id"]))["urlLink"] for _ in range(3)]
    assert len({*links}) == 1
    soon = {"$set": {"url_until": world.clock.now() + timedelta(days=7)}}
    await world.app.connection.collection("mini_codes").update_many({"url": links[0]}, soon)
    assert (await giver.do("shareGift", MADE, giftId=gift["id"]))["urlLink"] != links[0]


async def test_a_scene_in_a_link_is_escaped(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A table's code may have & and #, which would end the query."""
    store = await world.app.brands.store(world.store_id)
    assert store is not None
    await world.app.brands.put_store(replace(store, tables=(*store.tables, Table("A&1#2", "花园"))))
    asked: list[str] = []
    chat = next(chat for (platform, _), chat in world.app.platforms.items() if platform == "WECHAT")
    made_link = chat.url_link

    async def noted(page: str, query: str, days: int) -> str:
        asked.append(query)
        return await made_link(page, query, days)

    monkeypatch.setattr(chat, "url_link", noted)
    scene = (await made(await world.staff(), "TABLE", "A&1#2"))["scene"]
    assert scene.startswith("TA&1#2")
    assert asked == [f"scene={scene.replace('&', '%26').replace('#', '%23')}"]


async def test_a_tables_scene_is_taken_wherever_its_code_is(world: World) -> None:
    store = await world.app.brands.store(world.store_id)
    assert store is not None
    code, person = store.tables[1].code, await world.person()
    scene = (await made(await world.staff(), "TABLE", code))["scene"]
    assert scene != code
    by_scene = await person.ask("query($t: String!) { storeByTable(tableCode: $t) { id } }", t=scene)
    assert by_scene["storeByTable"]["id"] == store.id
    line = {"dishId": made_id("dsh", world.store_id, "pomfret"), "quantity": 1}
    added = await person.do("addToTable", "table { tableCode }", tableCode=scene, line=line, idempotencyKey=new_key())
    assert added["table"]["tableCode"] == code
    cart = "query($t: String!) { table(tableCode: $t) { revision tableCode lines { id revision } } }"
    found = (await person.ask(cart, t=scene))["table"]
    [changing] = found["lines"]
    await person.do(
        "changeTableLine", "table { revision }", tableCode=scene, lineId=changing["id"],
        revision=changing["revision"], quantity=2,
    )  # fmt: skip
    order = await person.do(
        "placeOrder", "order { tableCode }", storeId=store.id, type="DINE_IN", tableCode=scene, lines=[line],
        couponIds=[], idempotencyKey=new_key(),
    )  # fmt: skip
    assert order["order"]["tableCode"] == code
    revision = (await person.ask(cart, t=scene))["table"]["revision"]
    placed = await person.do(
        "placeTableOrder", "order { tableCode }", tableCode=scene, revision=revision, idempotencyKey=new_key()
    )
    assert placed["order"]["tableCode"] == code


async def test_a_code_is_drawn_once(world: World) -> None:
    owner = await world.staff()
    first = await made(owner, "STORE", world.store_id, width=600)
    async with faulty(world, "getwxacodeunlimit", "errcode:45009", times=5):
        assert (await made(owner, "STORE", world.store_id, width=600))["image"] == first["image"]
        with pytest.raises(Refused) as refused:
            await made(owner, "STORE", world.store_id, width=601)
        assert refused.value.code == "PLATFORM_UNAVAILABLE"


@pytest.mark.parametrize(
    ("code", "refusal"),
    [
        *((code, "PLATFORM_UNAVAILABLE") for code in (-1, 45009, 45011)),
        *((code, "CODE_UNAVAILABLE") for code in (40097, 40129, 40169, 41030, 85096)),
    ],
)
async def test_what_the_platform_says_of_a_code(world: World, code: int, refusal: str) -> None:
    owner = await world.staff()
    async with faulty(world, "getwxacodeunlimit", f"errcode:{code}"):
        with pytest.raises(Refused) as refused:
            await made(owner, "STORE", world.store_id, width=700)
    assert refused.value.code == refusal


async def test_a_proxys_page_is_no_code(world: World) -> None:
    owner = await world.staff()
    async with faulty(world, "getwxacodeunlimit", "html"):
        with pytest.raises(Refused) as refused:
            await made(owner, "STORE", world.store_id, width=710)
    assert refused.value.code == "PLATFORM_UNAVAILABLE"


async def test_whose_code_it_may_be(world: World) -> None:
    cashier, owner = await hire(world), await world.staff()
    other = made_id("sto", "teahouse", "gz-dongshan")
    for who, kind, subject, more, refusal in (
        (cashier, "STORE", world.store_id, {}, "NOT_ALLOWED"),
        (owner, "STORE", other, {}, "NOT_FOUND"),
        (owner, "TABLE", "no-such-table", {}, "NOT_FOUND"),
        (owner, "GIFT", "gft_x", {}, "NOT_FOUND"),
        (owner, "STORE", world.store_id, {"platform": "QQ"}, "CODE_UNAVAILABLE"),
    ):
        with pytest.raises(Refused) as refused:
            await made(who, kind, subject, **more)
        assert refused.value.code == refusal


@pytest.mark.parametrize("platform", ["WECHAT", "QQ"])
async def test_a_friend_finds_a_gift_by_its_code(world: World, platform: str) -> None:
    giver, card = await holding(world, 5_000, platform=platform)
    gift = await give(giver, cardId=card.id, amountFen=1_000)
    shared = await giver.do("shareGift", MADE, giftId=gift["id"])
    assert len(shared["scene"]) == 32
    assert (shared["image"] is None, shared["urlLink"] is None) == ((platform == "QQ"),) * 2
    friend = await world.person(platform)
    target = (await friend.ask(TARGET, s=shared["scene"]))["scene"]
    assert (target["kind"], target["giftToken"]) == ("GIFT", gift["shareToken"])
    assert (await claim(friend, {"shareToken": target["giftToken"]}))["card"]["balance"]["amountFen"] == 1_000
    with pytest.raises(Refused) as refused:
        await giver.do("shareGift", MADE, giftId=gift["id"])
    assert refused.value.code == "NOT_GIVABLE"
    with pytest.raises(Refused) as refused:
        await friend.do("shareGift", MADE, giftId=gift["id"])
    assert refused.value.code == "NOT_FOUND"


async def test_a_private_gift_is_found_by_no_code(world: World) -> None:
    giver, card = await holding(world, 5_000)
    gift = await give(giver, cardId=card.id, amountFen=1_000, privateMessage=True)
    with pytest.raises(Refused) as refused:
        await giver.do("shareGift", MADE, giftId=gift["id"])
    assert refused.value.code == "NOT_GIVABLE"
    forged = scene_text(world.app.vault.key("scene"), Scene(SceneKind.GIFT, gift["id"]))
    assert (await giver.ask(TARGET, s=forged))["scene"] is None


async def shown(world: World, gift: Json) -> Json | None:
    """What the card in the chat shows."""
    url, asked = f"{world.simulator}/_control/cards", {"activity_id": gift["cardActivityId"]}
    async with world.http.get(url, params=asked) as response:
        found: Json | None = await response.json()
        return found


async def test_the_card_in_the_chat_follows_a_group_gift(resting: World) -> None:
    """3 shares: 1 of 3, 2 of 3, and then the page that tells the end."""
    world = resting
    giver, card = await holding(world, 5_000)
    gift = await give(giver, cardId=card.id, amountFen=3_000, shares=3, split="EQUAL")
    assert gift["cardActivityId"]
    assert gift["activityId"] is None
    assert (await preview(giver, gift))["privateMessage"] is False
    await all_sent(world)
    for claimed in (1, 2):
        await claim(await world.person(), gift)
        await all_sent(world)
        assert await shown(world, gift) == {"state": 0, "values": {"member_count": str(claimed), "room_limit": "3"}}
    await claim(await world.person(), gift)
    await all_sent(world)
    page = f"pages/gift/open?id={gift['id']}"
    assert await shown(world, gift) == {"state": 1, "values": {"path": page, "version_type": "release"}}


async def test_a_card_whose_activity_is_over_and_one_that_was_busy(resting: World) -> None:
    world = resting
    giver, card = await holding(world, 5_000)
    gift = await give(giver, cardId=card.id, amountFen=3_000, shares=3, split="EQUAL")
    async with faulty(world, "updatablemsg", "errcode:47504"):
        await claim(await world.person(), gift)
        await all_sent(world)
    assert await shown(world, gift) is None
    async with faulty(world, "updatablemsg", "errcode:-1"):
        await withdraw(giver, gift)
        await all_sent(world)
    cards = world.app.connection.collection("outbox")
    await cards.update_many({"kind": "gift_card", "state": "WAITING"}, {"$set": {"due_at": world.clock.now()}})
    await all_sent(world)
    found = await shown(world, gift)
    assert found is not None
    assert found["state"] == 1


async def test_a_card_is_told_the_newest_state_only(resting: World) -> None:
    """Two claims before anything is sent: the first one's task finds that another follows, and asks nobody."""
    world = resting
    giver, card = await holding(world, 5_000)
    gift = await give(giver, cardId=card.id, amountFen=3_000, shares=3, split="EQUAL")
    await claim(await world.person(), gift)
    await claim(await world.person(), gift)
    async with faulty(world, "updatablemsg", "errcode:-1"):  # which hits the one call that is made
        await all_sent(world)
    assert await shown(world, gift) is None


async def test_a_group_gift_goes_without_a_card_where_there_is_none(resting: World) -> None:
    world = resting
    friend, card = await holding(world, 5_000, platform="QQ")
    assert (await give(friend, cardId=card.id, amountFen=3_000, shares=3, split="EQUAL"))["cardActivityId"] is None
    giver, card = await holding(world, 5_000)
    async with faulty(world, "activityid/create", "error"):
        gift = await give(giver, cardId=card.id, amountFen=3_000, shares=3, split="EQUAL")
    assert (gift["status"], gift["cardActivityId"]) == ("PENDING", None)
