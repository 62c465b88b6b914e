"""Who gets what when two accounts have one number: every row of the table, and what no proof allows."""

from datetime import timedelta

import pytest

from scripts.client import Api, GraphQLFailed, Refused, new_key
from tests.joining.accounts import (
    PASSWORD,
    bind,
    code_of,
    id_of,
    join_code,
    new_number,
    two_accounts,
    with_card,
)
from tests.support.world import World

PHONE = "{ me { id phone } }"


async def refusal(world: World, person: object, number: str, **fields: object) -> Refused:
    """How binding is refused. Raises AssertionError when it is not."""
    with pytest.raises(Refused) as refused:
        await bind(world, person, "QQ", number, **fields)  # type: ignore[arg-type]
    return refused.value


async def test_a_free_number_is_bound_and_masked(world: World) -> None:
    person, number = await world.person("QQ"), new_number()
    before = await id_of(person)
    bound = await bind(world, person, "QQ", number)
    assert (bound["mergedAccounts"], bound["session"]["me"]["id"]) == (0, before)
    assert bound["session"]["me"]["phone"] == f"{number[:3]}****{number[-4:]}"


async def test_ones_own_number_again_changes_nothing(world: World) -> None:
    person, number = await world.person("QQ"), new_number()
    await bind(world, person, "QQ", number)
    again = await bind(world, person, "QQ", number, proof="000000")
    assert (again["mergedAccounts"], again["session"]["me"]["phone"][-4:]) == (0, number[-4:])


async def test_another_number_frees_the_last(world: World) -> None:
    person, first, second = await world.person("QQ"), new_number(), new_number()
    await bind(world, person, "QQ", first)
    await bind(world, person, "QQ", second)
    stranger = await world.person("QQ")  # of the same app: would be refused, were the number still somebody's
    assert (await bind(world, stranger, "QQ", first))["mergedAccounts"] == 0
    assert (await person.ask(PHONE))["me"]["phone"][-4:] == second[-4:]


async def test_nothing_to_take_on_either_side_joins_without_a_proof(world: World) -> None:
    other, caller, number = await two_accounts(world)
    kept, gone = await id_of(other), await id_of(caller)
    bound = await bind(world, caller, "QQ", number)
    assert (bound["mergedAccounts"], bound["session"]["me"]["id"]) == (1, kept)
    assert {each["platform"] for each in bound["session"]["me"]["identities"]} == {"WECHAT", "QQ"}
    assert gone != kept


async def long_ago(world: World, person: Api, days: int = 60) -> None:
    """The platform has confirmed this account's number so many days and a minute ago. It is used every day."""
    at, app = world.clock.now() - timedelta(days=days, minutes=1), world.app.connection
    await app.collection("phones").update_many({"customer_id": await id_of(person)}, {"$set": {"bound_at": at}})


@pytest.mark.parametrize(("other_fen", "own_fen"), [(5_000, 0), (0, 300)])
async def test_where_one_side_holds_value_they_are_joined_without_a_proof(
    world: World, other_fen: int, own_fen: int
) -> None:
    other, caller, number = await two_accounts(world, other_fen, own_fen)
    kept = await id_of(other)
    bound = await bind(world, caller, "QQ", number)
    assert (bound["mergedAccounts"], bound["session"]["me"]["id"]) == (1, kept)
    total = (await caller.ask("{ me { wallet { totalBalance { amountFen } } } }"))["me"]["wallet"]["totalBalance"]
    assert total == {"amountFen": other_fen + own_fen}


@pytest.mark.parametrize(("other_fen", "own_fen"), [(0, 0), (0, 300), (5_000, 0), (5_000, 300)])
async def test_a_recycled_number_moves_and_takes_nothing_over(world: World, other_fen: int, own_fen: int) -> None:
    """The account is used every day, but its number was confirmed long ago: both keep what they have."""
    other, caller, number = await two_accounts(world, other_fen, own_fen)
    before = await id_of(caller)
    await long_ago(world, other)
    bound = await bind(world, caller, "QQ", number)
    assert (bound["mergedAccounts"], bound["session"]["me"]["id"]) == (0, before)
    assert (await other.ask(PHONE))["me"]["phone"] is None
    for person, fen in ((other, other_fen), (caller, own_fen)):
        shown = (await person.ask("{ me { wallet { totalBalance { amountFen } } } }"))["me"]["wallet"]
        assert shown == {"totalBalance": {"amountFen": fen}}


async def test_a_number_that_a_reset_has_confirmed_is_its_owners(world: World) -> None:
    other, caller, number = await two_accounts(world)
    kept = await id_of(other)
    await other.do("setPayPassword", "me { id }", newPassword=PASSWORD)
    await long_ago(world, other)
    code = await code_of(world, other, "WECHAT", number)
    await other.do("setPayPassword", "me { id }", newPassword="915482", phoneCode=code)
    bound = await bind(world, caller, "QQ", number)
    assert (bound["mergedAccounts"], bound["session"]["me"]["id"]) == (1, kept)


async def test_a_recycled_number_moves_within_one_app_too(world: World) -> None:
    other, number = await world.person("QQ"), new_number()
    await bind(world, other, "QQ", number)
    caller = await world.person("QQ")
    await long_ago(world, other)
    assert (await bind(world, caller, "QQ", number))["mergedAccounts"] == 0
    assert (await other.ask(PHONE))["me"]["phone"] is None


async def test_a_number_that_was_confirmed_within_two_months_is_still_its_owners(world: World) -> None:
    other, caller, number = await two_accounts(world, 5_000, 300)
    await long_ago(world, other, days=59)
    assert (await refusal(world, caller, number)).code == "PHONE_TAKEN"


async def test_confirming_ones_own_number_again_says_that_it_still_is(world: World) -> None:
    other, caller, number = await two_accounts(world, 5_000, 300)
    await long_ago(world, other)
    await bind(world, other, "WECHAT", number)
    assert (await refusal(world, caller, number)).code == "PHONE_TAKEN"


async def test_what_both_hold_is_not_joined_without_a_proof(world: World) -> None:
    other, caller, number = await two_accounts(world, 5_000, 300)
    before = await id_of(caller)
    refused = await refusal(world, caller, number)
    assert (refused.code, refused.error["field"]) == ("PHONE_TAKEN", ["input", "proof"])
    assert "支付密码" in refused.error["message"]
    assert await id_of(caller) == before
    assert (await caller.ask(PHONE))["me"]["phone"] is None
    assert (await other.ask(PHONE))["me"]["phone"] is not None


@pytest.mark.parametrize(("other_fen", "own_fen"), [(0, 0), (0, 300), (5_000, 0), (5_000, 300)])
@pytest.mark.parametrize("how", ["password", "code"])
async def test_a_proof_joins_whatever_there_is(world: World, other_fen: int, own_fen: int, how: str) -> None:
    other, caller, number = await two_accounts(world, other_fen, own_fen)
    kept = await id_of(other)
    if how == "password":
        await other.do("setPayPassword", "me { id }", newPassword=PASSWORD)
        proof = PASSWORD
    else:
        shown = await join_code(other)
        proof = f" {shown[:4].lower()}-{shown[4:]} "  # as somebody may type it
    bound = await bind(world, caller, "QQ", number, proof=proof)
    assert (bound["mergedAccounts"], bound["session"]["me"]["id"]) == (1, kept)
    total = (await caller.ask("{ me { wallet { totalBalance { amountFen } } } }"))["me"]["wallet"]["totalBalance"]
    assert total == {"amountFen": other_fen + own_fen}


@pytest.mark.parametrize(("other_fen", "own_fen"), [(0, 0), (5_000, 300)])
async def test_a_wrong_proof_is_refused_whatever_there_is(world: World, other_fen: int, own_fen: int) -> None:
    other, caller, number = await two_accounts(world, other_fen, own_fen)
    await other.do("setPayPassword", "me { id }", newPassword=PASSWORD)
    await join_code(other, payPassword=PASSWORD)
    for proof in ("310007", "ZZZZZZZZ", "x" * 500):
        assert (await refusal(world, caller, number, proof=proof)).code == "PROOF_INVALID"
    assert (await caller.ask(PHONE))["me"]["phone"] is None


async def test_six_digits_prove_nothing_of_an_account_without_a_password(world: World) -> None:
    _, caller, number = await two_accounts(world, 5_000, 300)
    assert (await refusal(world, caller, number, proof=PASSWORD)).code == "PROOF_INVALID"


async def test_guessing_at_the_other_password_locks_it(world: World) -> None:
    other, caller, number = await two_accounts(world, 5_000, 300)
    await other.do("setPayPassword", "me { id }", newPassword=PASSWORD)
    for guess in range(5):
        assert (await refusal(world, caller, number, proof=f"31000{guess}")).code == "PROOF_INVALID"
    locked = await refusal(world, caller, number, proof=PASSWORD)
    assert locked.code == "PAY_PASSWORD_LOCKED"


async def test_who_brings_too_many_wrong_proofs_waits(world: World) -> None:
    other, caller, number = await two_accounts(world, 5_000, 300)
    for count in range(10):
        if count % 5 == 0:  # so that there is always one that could be right
            await join_code(other)
        assert (await refusal(world, caller, number, proof="ZZZZZZZZ")).code == "PROOF_INVALID"
    with pytest.raises(GraphQLFailed) as failed:
        await bind(world, caller, "QQ", number, proof="ZZZZZZZZ")
    assert failed.value.code == "RATE_LIMITED"


async def test_a_join_code_dies_of_five_wrong_tries(world: World) -> None:
    other, caller, number = await two_accounts(world, 5_000, 300)
    shown = await join_code(other)
    for _ in range(5):
        assert (await refusal(world, caller, number, proof="ZZZZZZZZ")).code == "PROOF_INVALID"
    assert (await refusal(world, caller, number, proof=shown)).code == "PROOF_INVALID"
    bound = await bind(world, caller, "QQ", number, proof=await join_code(other))
    assert bound["mergedAccounts"] == 1


async def test_a_join_code_is_good_for_ten_minutes_and_the_newest_alone(world: World) -> None:
    other, caller, number = await two_accounts(world, 5_000, 300)
    first, second = await join_code(other), await join_code(other)
    assert (len(second), first != second) == (8, True)
    assert (await refusal(world, caller, number, proof=first)).code == "PROOF_INVALID"
    world.clock.ahead += timedelta(minutes=10)
    try:
        assert (await refusal(world, caller, number, proof=second)).code == "PROOF_INVALID"
        assert await world.app.joining.try_code(await id_of(other), world.clock.now()) is None
    finally:
        world.clock.ahead -= timedelta(minutes=10)
    assert (await bind(world, caller, "QQ", number, proof=second))["mergedAccounts"] == 1


async def test_a_join_code_needs_the_password_where_one_is_set(world: World) -> None:
    person = await world.person()
    await person.do("setPayPassword", "me { id }", newPassword=PASSWORD)
    for given, code in ((None, "PAY_PASSWORD_REQUIRED"), ("310007", "PAY_PASSWORD_WRONG")):
        with pytest.raises(Refused) as refused:
            await join_code(person, **({"payPassword": given} if given else {}))
        assert refused.value.code == code
    assert len(await join_code(person, payPassword=PASSWORD)) == 8


async def test_two_accounts_of_one_app_are_never_joined(world: World) -> None:
    other, number = await world.person("QQ"), new_number()
    await bind(world, other, "QQ", number)
    caller = await world.person("QQ")
    assert (await refusal(world, caller, number)).code == "PHONE_TAKEN"
    assert (await refusal(world, caller, number, proof=await join_code(other))).code == "PHONE_TAKEN"


async def test_a_blocked_account_keeps_its_number(world: World) -> None:
    other, caller, number = await two_accounts(world)
    customers = world.app.connection.collection("customers")
    await customers.update_one({"_id": await id_of(other)}, {"$set": {"blocked": True}})
    assert (await refusal(world, caller, number)).code == "PHONE_TAKEN"


async def test_a_code_that_was_refused_may_be_brought_again_and_one_that_was_used_may_not(world: World) -> None:
    other, caller, number = await two_accounts(world, 5_000, 300)
    code = await code_of(world, caller, "QQ", number)

    async def attempt(**fields: str) -> str:
        try:
            await caller.do("bindPhone", "mergedAccounts", code=code, idempotencyKey=new_key(), **fields)
        except Refused as refused:
            return str(refused.code)
        return "bound"

    assert await attempt() == "PHONE_TAKEN"
    assert await attempt(proof=await join_code(other)) == "bound"
    assert await attempt() in ("CODE_INVALID", "CODE_USED")  # as the platform calls it


async def test_a_code_that_is_kept_is_good_for_its_owner_alone(world: World) -> None:
    _, caller, number = await two_accounts(world, 5_000, 300)
    code, thief = await code_of(world, caller, "QQ", number), await world.person("QQ")
    for person, refused_with in ((caller, ("PHONE_TAKEN",)), (thief, ("CODE_INVALID", "CODE_USED"))):
        with pytest.raises(Refused) as refused:
            await person.do("bindPhone", "mergedAccounts", code=code, idempotencyKey=new_key())
        assert refused.value.code in refused_with


async def test_somebody_elses_code_binds_nothing(world: World) -> None:
    owner, thief = await world.person("QQ"), await world.person("QQ")
    code = await code_of(world, owner, "QQ", new_number())
    with pytest.raises(Refused) as refused:
        await thief.do("bindPhone", "mergedAccounts", code=code, idempotencyKey=new_key())
    assert refused.value.code == "CODE_INVALID"


async def test_a_coupon_alone_is_worth_a_proof(world: World) -> None:
    other, caller, number = await two_accounts(world, 0, 300)
    template = next(iter(world.seeded["template_ids"].values()))
    await other.do("claimCoupon", "coupon { id }", templateId=template, idempotencyKey=new_key())
    assert (await refusal(world, caller, number)).code == "PHONE_TAKEN"


async def test_an_open_gift_alone_is_worth_a_proof(world: World) -> None:
    other, caller, number = await two_accounts(world, 0, 300)
    card = await with_card(world, other, "WECHAT", 700)
    await other.do("give", "gift { id }", cardId=card.id, greeting="", idempotencyKey=new_key())
    assert (await refusal(world, caller, number)).code == "PHONE_TAKEN"
