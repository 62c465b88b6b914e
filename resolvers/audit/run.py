"""Running the audit: each invariant in turn, with what was checked and every breach."""

from collections.abc import Sequence
from typing import Any

from resolvers.audit.model import Finding, ProviderRow
from resolvers.audit.store import OUTSIDE, AuditStore
from resolvers.documents import Document
from resolvers.mongo import Connection
from resolvers.payments.model import PAID, RefundStatus


async def audit(connection: Connection, provider: Sequence[ProviderRow] | None = None) -> list[Finding]:
    """Check every invariant that applies; with the provider's own view, also that it equals ours."""
    store = AuditStore(connection)
    entries, cards = await store.count("journal"), await store.count("cards")
    payments, refunds = await store.count("payments", {"method": {"$in": OUTSIDE}}), await store.count("refunds")
    off_journal = [
        *await store.payments_off_journal(),
        *await store.refunds_off_journal(),
        *await store.brands_off_payments(),
    ]
    off_holds = [
        *await store.held_without_order(),
        *await store.holds_without_payment(),
        *await store.holds_off_payments(),
    ]
    off_orders = [
        *await store.orders_off_books(),
        *await store.tenders_off_journal(),
        *await store.refunds_here_off_journal(),
    ]
    off_statement = [*await store.cards_off_statement(), *await store.members_off_accounts()]
    view = await _provider_breaches(store, provider) if provider is not None else []
    staff_entries = await store.count("journal", {"actor_id": {"$regex": "^stf_"}})
    return [
        Finding(1, "every journal entry sums to zero per currency", entries, _named(await store.unbalanced_entries())),
        Finding(
            2,
            "every card's and member's balance = its journal lines = its lots = its statement, none below zero",
            cards,
            _named([*await store.accounts_off_journal(), *await store.cards_off_accounts(), *off_statement]),
        ),
        Finding(
            3,
            "no value exists twice: a gift's accounts hold what waits, and nothing else",
            await store.count("gifts"),
            _named([*await store.gifts_off_accounts(), *await store.gifts_off_claims()]),
        ),
        Finding(
            4,
            "each provider payment and refund has exactly one entry"
            + ("" if provider is None else ", equal to the provider's own view"),
            payments + refunds,
            (*_named(off_journal), *view),
        ),
        Finding(
            5,
            "coupons issued stay within template and customer limits",
            await store.count("templates"),
            _named([*await store.templates_over_limit(), *await store.customers_over_limit()]),
        ),
        Finding(
            6,
            "every held coupon has an order, every card hold a payment, that waits to be paid",
            await store.count("coupons", {"status": "HELD"}) + await store.count("cards", {"holds": {"$ne": []}}),
            _named(off_holds),
        ),
        Finding(
            7,
            "event numbers per customer have no holes",
            await store.count("events"),
            _named(await store.logs_with_holes()),
        ),
        Finding(
            8,
            "every order: lines = payable, tenders = paid, each booked once, refunded within paid",
            await store.count("orders"),
            _named(off_orders),
        ),
        Finding(
            9,
            "every staff money action has an audit row",
            staff_entries,
            _named(await store.staff_entries_without_action()),
        ),
    ]


async def _provider_breaches(store: AuditStore, provider: Sequence[ProviderRow]) -> list[str]:
    """Where the provider's view and ours differ: money there that is not here, or here that is not there."""
    ours = {
        **{key: _paid(document) for key, document in (await store.outside_payments()).items()},
        **{key: _settled(document) for key, document in (await store.refunds()).items()},
    }
    theirs = {row.number: row.amount_fen for row in provider if row.done}
    breaches = []
    for number in sorted(set(ours) | set(theirs)):
        here, there = ours.get(number) or 0, theirs.get(number, 0)
        if here != there:
            breaches.append(f"{number}: {here} fen here, {there} fen at the provider")
    return breaches


def _paid(document: Document) -> int:
    paid = document["status"] in [status.value for status in PAID]
    return int(document["amount_fen"]) if paid else 0


def _settled(document: Document) -> int:
    return int(document["amount_fen"]) if document["status"] == RefundStatus.SETTLED.value else 0


def _named(documents: Sequence[Document]) -> tuple[str, ...]:
    """Each breach with the document's id and the figures that differ."""
    return tuple(f"{document['_id']}: {_figures(document)}" for document in documents)


def _figures(document: Document) -> str:
    shown: dict[str, Any] = {
        key: value for key, value in document.items() if type(value) in (int, str) and key != "_id"
    }
    return ", ".join(f"{key} {value}" for key, value in shown.items())
