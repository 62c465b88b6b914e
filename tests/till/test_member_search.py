"""Finding a member at the till: by confirmed phone or member number, of the own brand, exactly one of the two."""

import uuid
from typing import Any

from scripts.client import Api, Json
from tests.payments.money import rows
from tests.support.world import World
from tests.till.counter import SHEKOU, TEA_BRAND, TEA_STORE, given, hire, new_guest, outcome, received, taken

SEARCH = """query($phone: String, $number: String) { customer(phone: $phone, memberNumber: $number) {
  id nickname phone memberNumber level points cards { id balance { amountFen } } } }"""


async def search(staff: Api, phone: Any = None, number: Any = None) -> Json | None:
    """Whom a search finds."""
    found: Json | None = (await staff.ask(SEARCH, phone=phone, number=number))["customer"]
    return found


def new_phone() -> str:
    """A number that nobody has."""
    return f"139{uuid.uuid4().int % 10**8:08d}"


async def test_by_phone_and_by_number_one_finds_the_same_member(world: World) -> None:
    guest, cashier, phone = await new_guest(world, 700), await hire(world), new_phone()
    change = {"$set": {"phone": phone, "nickname": "阿杰"}}
    await world.app.connection.collection("customers").update_one({"_id": guest.id}, change)
    [membership] = await rows(world, "memberships", customer_id=guest.id)
    found = await search(cashier, phone)
    assert found == {
        "id": guest.id,
        "nickname": "阿杰",
        "phone": f"139****{phone[-4:]}",
        "memberNumber": membership["number"],
        "level": "STANDARD",
        "points": 0,
        "cards": [{"id": guest.card_id, "balance": {"amountFen": 700}}],
    }
    for number in (membership["number"], f" {membership['number']} "):
        assert await search(cashier, number=number) == found
    assert await search(cashier, f" {phone} ") == found
    assert await search(await hire(world, store_ids=(SHEKOU,)), phone) == found  # any store of the brand


async def test_neither_both_unknown_and_parts_find_nobody(world: World) -> None:
    guest, cashier, phone = await new_guest(world), await hire(world), new_phone()
    await world.app.connection.collection("customers").update_one({"_id": guest.id}, {"$set": {"phone": phone}})
    [membership] = await rows(world, "memberships", customer_id=guest.id)
    number = membership["number"]
    for asked in (
        {},
        {"phone": phone, "number": number},
        {"phone": "", "number": None},
        {"number": ""},
        {"phone": new_phone()},
        {"phone": phone[:-1]},
        {"phone": f"+86{phone}"},
        {"phone": number},
        {"number": phone},
        {"number": "9" * 200},
        {"number": ".*"},
    ):
        assert await search(cashier, **asked) is None, asked


async def test_a_member_of_another_brand_looks_absent(world: World) -> None:
    person, phone = await world.person(), new_phone()
    await person.do("joinBrand", "membership { id }", brandId=TEA_BRAND)
    me = (await person.ask("{ me { id } }"))["me"]["id"]
    await world.app.connection.collection("customers").update_one({"_id": me}, {"$set": {"phone": phone}})
    [theirs] = await rows(world, "memberships", customer_id=me)
    ours, tea = await hire(world), await hire(world, store_ids=(TEA_STORE,), brand_id=TEA_BRAND)
    assert await search(ours, phone) is None
    by_number = await search(ours, number=theirs["number"])
    assert by_number is None or by_number["id"] != me  # numbers count per brand
    found = await search(tea, phone)
    assert found is not None
    assert (found["id"], found["cards"]) == (me, [])


async def test_cards_that_can_be_used_are_shown_with_what_is_on_them(world: World) -> None:
    guest, cashier, friend = await new_guest(world, 900), await hire(world), await new_guest(world, 100)
    await taken(world, cashier, guest, 400)
    first = await received(friend.api, await given(world, guest, 200))
    [membership] = await rows(world, "memberships", customer_id=friend.id)
    found = await search(cashier, number=membership["number"])
    assert found is not None
    assert [(each["id"], each["balance"]["amountFen"]) for each in found["cards"]] == [
        (first, 200),
        (friend.card_id, 100),
    ]
    await received(guest.api, await given(world, friend))  # given away whole: no card of theirs any more
    found = await search(cashier, number=membership["number"])
    assert found is not None
    assert [each["id"] for each in found["cards"]] == [first]


async def test_nobody_is_found_without_signing_in(world: World) -> None:
    assert await outcome(search(Api(world.http, world.console), new_phone())) == "UNAUTHENTICATED"
    assert await outcome(search(Api(world.http, world.console, (await world.person()).token), new_phone())) == (
        "UNAUTHENTICATED"
    )
