"""The primary and the gateway are killed while clients move money; `scripts/torture` does the same for longer."""

from scripts.tortures.check import by_kind
from scripts.tortures.report import report
from scripts.tortures.run import Outcome

VERBS = {
    *("topUpCard", "cashTopUp", "refundPayment", "confirm", "give", "claimGift", "withdrawGift"),
    *("placeOrder", "payOrder", "takeCash", "cancelOrder", "refundOrder"),
}


def test_whatever_is_killed_each_acknowledged_operation_is_in_the_books_once_and_nothing_else(outcome: Outcome) -> None:
    print(report(outcome))
    assert outcome.breaches == []


def test_the_kills_did_happen_and_were_felt(outcome: Outcome) -> None:
    assert len(outcome.kills.primaries) >= 2
    assert len(outcome.kills.gateways) >= 1
    assert outcome.kills.ended_by_itself == []
    assert outcome.lost["connection lost"] > 0
    assert 0.2 < outcome.outage_seconds < 15


def test_every_kind_of_operation_was_done_under_fire(outcome: Outcome) -> None:
    table = by_kind(outcome.log)
    assert {verb for verb in VERBS if table.get(verb, {}).get("acknowledged", 0) < 1} == set()
    assert sum(row["retries"] for row in table.values()) > 10
    first, last = outcome.kills.primaries[0], outcome.kills.primaries[-1]
    between = [each for each in outcome.log if each.done and first < (each.answered_at or 0) < last]
    assert len(between) > 50
