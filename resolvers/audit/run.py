"""Running the audit: each invariant in turn, with what was checked and every breach."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from resolvers.audit.model import Finding, ProviderRow
from resolvers.audit.store import OUTSIDE, AuditStore
from resolvers.documents import Document
from resolvers.mongo import Connection
from resolvers.payments.model import PAID, RefundStatus

Read = Callable[[AuditStore], Awaitable[list[Document]]]
Query = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Invariant:
    """What must hold: its sentence, what there is to check (collections with a query), and the reads for breaches."""

    rule: str
    counted: tuple[tuple[str, Query], ...]
    reads: tuple[Read, ...]


ALL: Query = {}
PROVIDERS = 4  # the invariant that also compares with the provider's own view
INVARIANTS: dict[int, Invariant] = {
    1: Invariant(
        "every journal entry sums to zero per currency",
        (("journal", ALL),),
        (AuditStore.unbalanced_entries,),
    ),
    2: Invariant(
        "every card's and member's balance = its journal lines = its lots = its statement, none below zero; "
        "a pass's uses = its account = bought - taken; what is sold and not delivered = paid for - taken; "
        "a member's growth = what its orders have earned",
        (("cards", ALL), ("memberships", ALL)),
        (
            AuditStore.accounts_off_journal,
            AuditStore.cards_off_accounts,
            AuditStore.cards_off_statement,
            AuditStore.vouchers_off_payments,
            AuditStore.members_off_accounts,
            AuditStore.members_off_statement,
            AuditStore.members_off_growth,
        ),
    ),
    3: Invariant(
        "no value exists twice: a gift's accounts hold what waits, and nothing else",
        (("gifts", ALL),),
        (AuditStore.gifts_off_accounts, AuditStore.gifts_off_claims, AuditStore.things_off_gifts),
    ),
    PROVIDERS: Invariant(
        "each provider payment and refund has exactly one entry",
        (("payments", {"method": {"$in": OUTSIDE}}), ("refunds", ALL)),
        (AuditStore.payments_off_journal, AuditStore.refunds_off_journal, AuditStore.brands_off_payments),
    ),
    5: Invariant(
        "coupons issued stay within template and customer limits",
        (("templates", ALL),),
        (AuditStore.templates_over_limit, AuditStore.customers_over_limit),
    ),
    6: Invariant(
        "every held coupon and every ordered cart has an order, every card hold a payment, that waits to be paid",
        (("coupons", {"status": "HELD"}), ("cards", {"holds": {"$ne": []}}), ("table_carts", {"open": True})),
        (
            AuditStore.held_without_order,
            AuditStore.holds_without_payment,
            AuditStore.holds_off_payments,
            AuditStore.carts_without_order,
        ),
    ),
    7: Invariant(
        "event numbers per customer have no holes",
        (("events", ALL), ("customers", {"joined_into": {"$ne": None}})),
        (AuditStore.logs_with_holes, AuditStore.accounts_off_join),
    ),
    8: Invariant(
        "every order: lines = payable = its shares, tenders = paid = paid of its shares, each booked once, "
        "refunded within paid",
        (("orders", ALL),),
        (AuditStore.orders_off_books, AuditStore.tenders_off_journal, AuditStore.refunds_here_off_journal),
    ),
    9: Invariant(
        "every staff money action has an audit row",
        (("journal", {"actor_id": {"$regex": "^stf_"}}),),
        (AuditStore.staff_entries_without_action,),
    ),
}


async def audit(connection: Connection, provider: Sequence[ProviderRow] | None = None) -> list[Finding]:
    """Check every invariant that applies; with the provider's own view, also that it equals ours."""
    store = AuditStore(connection)
    findings = [await _check(store, number, invariant) for number, invariant in INVARIANTS.items()]
    if provider is None:
        return findings
    differing = await _provider_breaches(store, provider)
    return [_compared(each, differing) if each.number == PROVIDERS else each for each in findings]


async def _check(store: AuditStore, number: int, invariant: Invariant) -> Finding:
    checked = [await store.count(collection, query) for collection, query in invariant.counted]
    breaches = [breach for read in invariant.reads for breach in await read(store)]
    return Finding(number, invariant.rule, sum(checked), _named(breaches))


def _compared(found: Finding, differing: Sequence[str]) -> Finding:
    """The finding, with what differs from the provider's own view."""
    rule = f"{found.rule}, equal to the provider's own view"
    return replace(found, rule=rule, breaches=(*found.breaches, *differing))


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
