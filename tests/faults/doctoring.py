"""Ways to spoil books that are right: each changes one thing and tells what a breach must then name."""

import copy
from collections.abc import Callable
from typing import Any

from resolvers.audit.model import Finding, ProviderRow
from scripts.client import Json, new_key
from scripts.tortures.books import Books
from scripts.tortures.log import CONFIRM, Log, Operation
from scripts.tortures.run import Outcome

Doctor = Callable[[Log, Books], str]
DOCTORS: list[Doctor] = []


def doctor(way: Doctor) -> Doctor:
    """One of the ways."""
    DOCTORS.append(way)
    return way


def copied(outcome: Outcome) -> tuple[Log, Books]:
    """Log and books to be spoiled."""
    return copy.deepcopy((outcome.log, outcome.books))


def first(log: Log, verb: str, **wanted: Any) -> Operation:
    """The first acknowledged operation of a kind, with such input."""
    return next(
        each for each in log.acknowledged(verb) if all(each.input.get(name) == value for name, value in wanted.items())
    )


def credited(log: Log, books: Books) -> str:
    """A payment that has topped up a card in the chat app, and was not refunded."""
    ids = {entry["_id"] for entry in books.journal}
    for operation in log.acknowledged("topUpCard"):
        payment_id: str = operation.told("payment", "id")
        if f"capture:{payment_id}" in ids and f"undo:{payment_id}" not in ids:
            return payment_id
    raise LookupError


def entry_of(books: Books, entry_id: str) -> Json:
    """A journal entry."""
    return next(entry for entry in books.journal if entry["_id"] == entry_id)


@doctor
def top_up_not_credited(log: Log, books: Books) -> str:
    payment_id = credited(log, books)
    books.journal.remove(entry_of(books, f"capture:{payment_id}"))
    return f"capture:{payment_id} is 0 times in the journal, acknowledged 1"


@doctor
def entry_twice(log: Log, books: Books) -> str:
    payment_id = credited(log, books)
    books.journal.append(entry_of(books, f"capture:{payment_id}"))
    return f"capture:{payment_id} is 2 times in the journal, acknowledged 1"


@doctor
def top_up_doubled_under_another_payment(log: Log, books: Books) -> str:
    payment_id = credited(log, books)
    books.payments["pay_second"] = books.payments[payment_id] | {"_id": "pay_second"}
    books.journal.append(entry_of(books, f"capture:{payment_id}") | {"_id": "capture:pay_second"})
    return "unasked in the books: payment pay_second"


@doctor
def order_paid_twice(log: Log, books: Books) -> str:
    paid = next(each for each in books.payments.values() if each["order_id"] and each["status"] == "SUCCEEDED")
    books.payments["pay_second"] = paid | {"_id": "pay_second"}
    books.journal.append(entry_of(books, f"capture:{paid['_id']}") | {"_id": "capture:pay_second"})
    return f"order {paid['order_id']}: tenders paid"


@doctor
def order_lost(log: Log, books: Books) -> str:
    order_id = first(log, "placeOrder").told("order", "id")
    del books.orders[order_id]
    return f"acknowledged, and not in the books: order {order_id}"


@doctor
def gift_lost(log: Log, books: Books) -> str:
    gift_id = first(log, "give").told("gift", "id")
    del books.gifts[gift_id]
    return f"acknowledged, and not in the books: gift {gift_id}"


@doctor
def gift_at_somebody_else(log: Log, books: Books) -> str:
    gift = next(each for each in books.gifts.values() if each["status"] == "CLAIMED")
    gift["claims"][0]["customer_id"] = "cus_thief"
    return f"gift {gift['_id']}: CLAIMED for ['cus_thief']"


@doctor
def payment_from_nowhere(log: Log, books: Books) -> str:
    books.payments["pay_nowhere"] = books.payments[credited(log, books)] | {"_id": "pay_nowhere"}
    return "unasked in the books: payment pay_nowhere (SUCCEEDED)"


@doctor
def pending_payment_from_nowhere(log: Log, books: Books) -> str:
    made = {"_id": "pay_nowhere", "status": "PENDING"}
    books.payments["pay_nowhere"] = books.payments[credited(log, books)] | made
    return "unasked in the books: payment pay_nowhere (PENDING)"


@doctor
def ended_payment_of_somebody_who_never_tried_again(log: Log, books: Books) -> str:
    operation = first(log, "topUpCard")
    made = {"_id": "pay_ended", "status": "FAILED"}
    books.payments["pay_ended"] = books.payments[operation.told("payment", "id")] | made
    for each in log:
        if each.customer_id == operation.customer_id:
            each.tries = 1
    log.operations[:] = [
        each for each in log if each.customer_id != operation.customer_id or each.done or each.verb == CONFIRM
    ]
    return "unasked in the books: payment pay_ended (FAILED)"


@doctor
def order_from_nowhere(log: Log, books: Books) -> str:
    books.orders["ord_nowhere"] = next(iter(books.orders.values())) | {"_id": "ord_nowhere", "status": "PAID"}
    return "unasked in the books: order ord_nowhere (PAID)"


@doctor
def refund_from_nowhere(log: Log, books: Books) -> str:
    refund = next(each for each in books.refunds.values() if books.payments[each["payment_id"]]["order_id"])
    books.refunds["ref_nowhere"] = refund | {"_id": "ref_nowhere"}
    return f"order {books.payments[refund['payment_id']]['order_id']}: refunds asked of the provider"


@doctor
def refund_of_an_order_from_nowhere(log: Log, books: Books) -> str:
    books.order_refunds["rfo_nowhere"] = next(iter(books.order_refunds.values())) | {"_id": "rfo_nowhere"}
    return "unasked in the books: refund of an order rfo_nowhere"


@doctor
def gift_from_nowhere(log: Log, books: Books) -> str:
    books.gifts["gft_nowhere"] = next(iter(books.gifts.values())) | {"_id": "gft_nowhere"}
    return "unasked in the books: gift gft_nowhere"


@doctor
def entry_from_nowhere(log: Log, books: Books) -> str:
    books.journal.append(books.journal[0] | {"_id": "redeem:rdm_nowhere"})
    return "unasked in the books: entries redeem:rdm_nowhere"


@doctor
def key_that_nobody_used(log: Log, books: Books) -> str:
    row = next(iter(books.keys.values()))[0]
    books.keys["nobodys"] = [row | {"_id": "cus_x:nobodys"}]
    return "in the books, and nobody asked for it: key cus_x:nobodys"


@doctor
def key_used_twice(log: Log, books: Books) -> str:
    operation = first(log, "payOrder")
    books.keys[operation.key or ""] *= 2
    return f"acknowledged, and 2 times in the books: payOrder {operation.key}"


@doctor
def refused_and_done(log: Log, books: Books) -> str:
    refused = next(each for each in log if each.refusal and each.key)
    books.keys[refused.key or ""] = [next(iter(books.keys.values()))[0]]
    return f"refused, and yet in the books: {refused.verb} {refused.key}"


@doctor
def told_of_another_payment(log: Log, books: Books) -> str:
    operation = first(log, "topUpCard")
    books.keys[operation.key or ""][0]["result"]["payment"] = "pay_other"
    return f"told payment {operation.told('payment', 'id')}, in the books pay_other"


@doctor
def never_answered(log: Log, books: Books) -> str:
    operation = log.begin("cus_x", "placeOrder", new_key(), {})
    return f"never answered, after 0 tries: placeOrder {operation.key}"


@doctor
def refund_told_is_another(log: Log, books: Books) -> str:
    operation = next(each for each in log.acknowledged("refundOrder") if each.told("bySource"))
    operation.told("bySource")[0]["amount"]["amountFen"] += 1
    return f"order {operation.input['orderId']}: refunded"


@doctor
def confirmed_and_not_paid(log: Log, books: Books) -> str:
    payment_id: str = first(log, CONFIRM, outcome="SUCCESS").input["payment"]
    del books.provider[payment_id]
    return f"confirmed, and not paid at the provider: {payment_id}"


@doctor
def paid_and_not_confirmed(log: Log, books: Books) -> str:
    books.provider["pay_theirs"] = ProviderRow("pay_theirs", 100, True, False)
    return "paid at the provider, and nobody confirmed it: pay_theirs"


@doctor
def piece_lost(log: Log, books: Books) -> str:
    counter = next(each for each in books.counters.values() if each["_id"].startswith("stock:"))
    counter["left"] -= 1
    return f"{counter['_id']}: "


@doctor
def fen_lost_on_a_card(log: Log, books: Books) -> str:
    card = next(each for each in books.cards.values() if each["lots"])
    card["lots"][0]["left_fen"] -= 1
    return f"customer {card['customer_id']}: journal"


@doctor
def breach_of_the_audit(log: Log, books: Books) -> str:
    books.findings.append(Finding(7, "event numbers per customer have no holes", 1, ("cus_x: 2 of 3",)))
    return "audit 7, event numbers per customer have no holes: cus_x: 2 of 3"
