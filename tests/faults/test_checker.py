"""A checker that cannot fail is worth nothing: books and logs that are spoiled in one place are told to be, by name."""

import copy

import pytest

from scripts.client import Api, GraphQLFailed, Json
from scripts.tortures import caller as calling
from scripts.tortures.caller import Caller
from scripts.tortures.check import breaches
from scripts.tortures.log import Log, longest_outage
from scripts.tortures.run import Outcome
from tests.faults.doctoring import DOCTORS, Doctor, copied, first

KEYED = [
    *("topUpCard", "cashTopUp", "refundPayment", "placeOrder", "payOrder", "takeCash", "refundOrder"),
    *("give", "claimGift"),
]


def test_what_was_not_spoiled_has_no_breach(outcome: Outcome) -> None:
    assert breaches(*copied(outcome), outcome.tiers) == []


@pytest.mark.parametrize("doctor", DOCTORS, ids=lambda doctor: doctor.__name__)
def test_what_is_spoiled_is_named(outcome: Outcome, doctor: Doctor) -> None:
    log, books = copied(outcome)
    named = doctor(log, books)
    found = breaches(log, books, outcome.tiers)
    assert any(named in breach for breach in found), (named, found)


@pytest.mark.parametrize("verb", KEYED)
def test_an_acknowledged_operation_that_is_not_in_the_books_is_named(outcome: Outcome, verb: str) -> None:
    log, books = copied(outcome)
    lost = first(log, verb)
    del books.keys[lost.key or ""]
    assert f"acknowledged, and 0 times in the books: {lost}" in breaches(log, books, outcome.tiers)


@pytest.mark.parametrize("verb", KEYED)
def test_an_operation_that_no_client_remembers_is_named(outcome: Outcome, verb: str) -> None:
    log, books = copied(outcome)
    forgotten = first(log, verb)
    log.operations.remove(forgotten)
    [row] = books.keys[forgotten.key or ""]
    assert f"in the books, and nobody asked for it: key {row['_id']}" in breaches(log, books, outcome.tiers)


def test_an_attempt_that_ended_is_in_order_when_its_customer_tried_again(outcome: Outcome) -> None:
    log, books = copied(outcome)
    operation = first(log, "topUpCard")
    ended = {"_id": "pay_ended", "status": "FAILED"}
    books.payments["pay_ended"] = books.payments[operation.told("payment", "id")] | ended
    operation.tries += 50
    assert breaches(log, books, outcome.tiers) == []


def test_the_longest_outage_counts_from_beginning_to_end() -> None:
    assert longest_outage([12.0, 13.0, 19.0, 31.0], 10.0, 20.0) == 6.0
    assert longest_outage([], 10.0, 20.0) == 10.0


class Answers(Api):
    """An endpoint whose answers are given beforehand; it keeps what it was sent."""

    def __init__(self, *answers: object) -> None:
        self.answers = list(answers)
        self.sent: list[Json] = []

    async def post(self, query: str, variables: Json | None = None, **headers: str) -> tuple[int, Json]:
        self.sent.append(copy.deepcopy(variables or {}))
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer  # type: ignore[return-value]


def failed(code: str) -> tuple[int, Json]:
    return 200, {"data": None, "errors": [{"message": "…", "extensions": {"code": code}}]}


SUCCESS: tuple[int, Json] = 200, {"data": {"answer": {"__typename": "GiveSuccess", "gift": {"id": "gft_1"}}}}
REFUSED: tuple[int, Json] = (
    200,
    {"data": {"answer": {"__typename": "GiftError", "codeName": "NOT_GIVABLE", "message": ""}}},
)


async def test_a_client_sends_the_same_under_the_same_key_until_it_is_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calling, "AGAIN_SECONDS", (0, 0.01))
    monkeypatch.setattr(calling, "HANGS_UP", 0)
    caller = Caller(Log())
    lost = [ConnectionResetError(), TimeoutError(), ValueError(), failed("TRY_AGAIN"), failed("INTERNAL"), (503, {})]
    api = Answers(*lost, SUCCESS)
    operation = await caller.do(api, "cus_1", "give", "gift { id }", cardId="crd_1")
    assert operation.told("gift", "id") == "gft_1"
    assert operation.tries == 7
    assert api.sent == [{"input": {"cardId": "crd_1", "idempotencyKey": operation.key}}] * 7
    assert len(caller.internal) == 1
    refused = await caller.do(Answers(failed("TRY_AGAIN"), REFUSED), "cus_1", "give", "gift { id }", cardId="crd_1")
    assert (refused.refusal, refused.done, refused.tries) == ("NOT_GIVABLE", False, 2)
    with pytest.raises(GraphQLFailed):
        await caller.do(Answers(failed("BAD_USER_INPUT")), "cus_1", "give", "gift { id }", cardId="crd_1")
