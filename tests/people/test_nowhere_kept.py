"""The digits of a pay password are nowhere: not in a document, not in a log line, not in what is printed."""

import json
import re
from contextlib import nullcontext
from typing import Any

import pytest

from resolvers.people.model import SignedIn
from resolvers.people.pay_password.model import PayPassword
from resolvers.ports import Platform
from schema.customer import gift_inputs, inputs
from scripts import client
from scripts.client import new_key
from tests.people.paying import OTHER, PASSWORD, THIRD
from tests.support.core import card_with, dishes
from tests.support.world import World

WRONG = "590277"


def found(digits: str, text: str) -> bool:
    """Whether a number stands alone in a text (as part of a longer one it is there by chance)."""
    return re.search(rf"(?<![0-9A-Za-z]){digits}(?![0-9A-Za-z])", text) is not None


async def everything(world: World) -> dict[str, str]:
    """All documents of every collection as text."""
    database: Any = world.app.connection.database
    names = await database.list_collection_names()
    return {
        name: "\n".join(
            json.dumps(each, default=str, ensure_ascii=False) for each in await database[name].find({}).to_list(None)
        )
        for name in names
    }


async def test_a_whole_visit_leaves_the_digits_nowhere(
    world: World, log_lines: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    person = await world.person()
    me = (await person.ask("{ me { id } }"))["me"]["id"]
    code = (await world.phone.control("phone", platform="WECHAT", user=person.user))["code"]  # type: ignore[attr-defined]
    signed_in = SignedIn(me, "", Platform.WECHAT, world.settings["KABAO_WECHAT_APP_ID"])
    card = await card_with(world, signed_in, 90_000)
    await person.do("setPayPassword", "me { id }", newPassword=THIRD)
    await person.do("setPayPassword", "me { id }", newPassword=PASSWORD, currentPassword=THIRD)
    line = {"dishId": (await dishes(world))[0].id, "quantity": 1}
    place = {"storeId": world.store_id, "type": "PICK_UP", "lines": [line], "couponIds": []}
    order = (await person.do("placeOrder", "order { id }", **place, idempotencyKey=new_key()))["order"]
    tenders = [{"method": "STORED_VALUE", "cardId": card.id}]
    for password in (WRONG, PASSWORD):
        for verb, wanted, fields in (
            ("payOrder", "order { id }", {"orderId": order["id"], "tenders": tenders}),
            ("give", "gift { id }", {"cardId": card.id, "amountFen": 100}),
            ("showCode", "digits", {"cardId": card.id}),
        ):
            key = {} if verb == "showCode" else {"idempotencyKey": new_key()}
            with pytest.raises(client.Refused, match="PAY_PASSWORD_WRONG") if password == WRONG else nullcontext():
                await person.do(verb, wanted, payPassword=password, **fields, **key)
    await person.do("setPayPassword", "me { id }", newPassword=OTHER, phoneCode=code)
    malformed = f'mutation {{ setPayPassword(input: {{newPassword: "{WRONG}", x: 1}}) {{ __typename }} }}'
    await person.post(malformed)
    await person.post("mutation($i: SetPayPasswordInput!) { setPayPassword(input: $i) { x } }", {"i": [WRONG]})

    async def broken(*_: object) -> object:
        raise ValueError("broken")

    with monkeypatch.context() as breaking:
        breaking.setattr(world.app.pay_passwords, "count_guess", broken)
        with pytest.raises(client.GraphQLFailed):
            await person.do("setPayPassword", "me { id }", newPassword=THIRD, currentPassword=OTHER)
    assert any("broken" in line for line in log_lines)
    texts = {**await everything(world), "logs": "\n".join(log_lines)}
    assert {"pay_passwords", "idempotency", "events", "code_grants", "orders"} <= set(texts)
    secrets = (PASSWORD, OTHER, THIRD, WRONG)
    assert [(name, each) for name, text in texts.items() for each in secrets if found(each, text)] == []
    assert [name for name, text in texts.items() if code in text] == []


def test_a_number_that_is_there_would_be_found() -> None:
    assert found(PASSWORD, f'{{"payPassword": "{PASSWORD}"}}')
    assert found(PASSWORD, f"guess={PASSWORD}, ")
    assert not found(PASSWORD, f"crd_1{PASSWORD}0")


def test_nothing_that_holds_one_prints_it() -> None:
    secret = {"pay_password": PASSWORD}
    printed = [
        inputs.SetPayPasswordInput(new_password=PASSWORD, current_password=OTHER, phone_code="c0de"),
        inputs.PayOrderInput(order_id="ord_1", tenders=[], idempotency_key="k", **secret),  # type: ignore[arg-type]
        gift_inputs.GiveInput(card_id="crd_1", idempotency_key="k", **secret),  # type: ignore[arg-type]
        inputs.ShowCodeInput(card_id="crd_1", **secret),  # type: ignore[arg-type]
        PayPassword("cus_1", "$argon2id$hash", 1, None, reset_code="c0de"),  # type: ignore[arg-type]
    ]
    text = repr(printed)
    assert "ord_1" in text
    assert [each for each in (PASSWORD, OTHER, "c0de", "$argon2id") if each in text] == []
