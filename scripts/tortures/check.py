"""The verdict: the clients' log against the books, both ways. Pure; each breach is a sentence that names what it is."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping

from scripts.tortures.books import Books
from scripts.tortures.check_orders import order_breaches
from scripts.tortures.check_unasked import unasked_breaches
from scripts.tortures.expected import Expected
from scripts.tortures.log import CONFIRM, Log, Operation
from scripts.tortures.movements import Movements

_TOLD = {  # what the row of a key calls a thing, and where the answer to the client has it
    "topUpCard": {"payment": ("payment", "id"), "card": ("card", "id")},
    "cashTopUp": {"card": ("card", "id")},
    "refundPayment": {"payment": ("payment", "id")},
    "placeOrder": {"order": ("order", "id"), "payment": ("payment", "id")},
    "payOrder": {"order": ("order", "id"), "payment": ("payment", "id")},
    "takeCash": {"order": ("order", "id")},
    "refundOrder": {},
    "give": {"gift": ("gift", "id")},
    "claimGift": {},
}


def breaches(log: Log, books: Books, tiers: Mapping[str, tuple[int, int]]) -> list[str]:
    """Everything that is wrong; nothing when the books hold what was acknowledged, once, and nothing else."""
    expected = Expected(log, tiers)
    moved = Movements(books)
    return [
        *expected.astray,
        *_keys(log, books),
        *_top_ups(expected, books, moved),
        *order_breaches(expected, books, moved),
        *_gifts(expected, books, moved),
        *unasked_breaches(log, expected, books, moved),
        *_values(expected, books, moved),
        *_provider(expected, books),
        *_pieces(books),
        *(f"audit {each.number}, {each.rule}: {breach}" for each in books.findings for breach in each.breaches),
    ]


def _keys(log: Log, books: Books) -> Iterator[str]:
    """Each acknowledged key has one row with what was told; a refused one has none; no row has a key nobody used."""
    for operation in log:
        if not operation.answered:
            yield f"never answered, after {operation.tries} tries: {operation}"
        if operation.key is None or not operation.answered:
            continue
        rows = [row for row in books.keys.get(operation.key, []) if row["state"] == "DONE"]
        if operation.done and len(rows) != 1:
            yield f"acknowledged, and {len(rows)} times in the books: {operation}"
        if operation.refusal is not None and rows:
            yield f"refused, and yet in the books: {operation}"
        if operation.done and rows:
            yield from _told_otherwise(operation, rows[0]["result"])
    used = {operation.key for operation in log}
    for key, rows in books.keys.items():
        if key not in used and rows[0]["_id"] != rows[0]["reservation"]:  # else it only says that pieces were used
            yield f"in the books, and nobody asked for it: key {rows[0]['_id']}"


def _told_otherwise(operation: Operation, result: Mapping[str, str]) -> Iterator[str]:
    for name, path in _TOLD[operation.verb].items():
        if result.get(name) != operation.told(*path):
            yield f"told {name} {operation.told(*path)}, in the books {result.get(name)}: {operation}"


def _top_ups(expected: Expected, books: Books, moved: Movements) -> Iterator[str]:
    """Each confirmed top-up is credited once, with its bonus; each refunded one is undone once."""
    for source, top_up in expected.top_ups.items():
        payment_id = source
        if top_up.cash:
            payment_id = (books.keys.get(source) or [{"result": {}}])[0]["result"].get("payment", source)
        if payment_id not in books.payments:
            yield f"acknowledged, and not in the books: top-up {payment_id} of {top_up.customer_id}"
            continue
        refunds = [each for each in books.refunds.values() if each["payment_id"] == payment_id]
        wanted = Counter({f"capture:{payment_id}": 1} if top_up.paid else {})
        if top_up.refunded_fen is not None:
            wanted[f"undo:{payment_id}"] = 1
            wanted += Counter(f"refund:{each['_id']}" for each in refunds[:1])
        yield from moved.differences(f"top-up {payment_id}", payment_id, wanted)
        if (on_card := moved.on_cards(payment_id)) != top_up.on_card_fen:
            yield f"top-up {payment_id}: {on_card} fen on the card, {top_up.on_card_fen} acknowledged"
        refunded = sum(each["amount_fen"] for each in refunds)
        if refunded != (0 if top_up.cash else top_up.refunded_fen or 0):
            yield f"top-up {payment_id}: {refunded} fen refunded, {top_up.refunded_fen} acknowledged"
        yield from (f"refund {each['_id']} is {each['status']}" for each in refunds if each["status"] != "SETTLED")


def _gifts(expected: Expected, books: Books, moved: Movements) -> Iterator[str]:
    """Each gift left its giver once and came to one taker, or back, once."""
    for gift_id, given in expected.gifts.items():
        found = books.gifts.get(gift_id)
        if found is None:
            yield f"acknowledged, and not in the books: gift {gift_id} of {given.giver_id}"
            continue
        wanted = Counter({f"give:{gift_id}": 1})
        status = "CLAIMED" if given.taker_id else "WITHDRAWN" if given.withdrawn else "PENDING"
        wanted.update({"CLAIMED": [f"claim:{gift_id}:1"], "WITHDRAWN": [f"gift_return:{gift_id}"]}.get(status, []))
        yield from moved.differences(f"gift {gift_id}", gift_id, wanted)
        takers = [claim["customer_id"] for claim in found["claims"]]
        if (found["status"], takers) != (status, [given.taker_id] if given.taker_id else []):
            yield f"gift {gift_id}: {found['status']} for {takers}, acknowledged {status} for {given.taker_id}"
        if found["amount_fen"] != given.amount_fen:
            yield f"gift {gift_id}: {found['amount_fen']} fen, {given.amount_fen} acknowledged"


def _values(expected: Expected, books: Books, moved: Movements) -> Iterator[str]:
    """What everybody's cards hold is what the log says, in the journal and in the lots."""
    said = expected.value_of_customers()
    lots: dict[str, int] = defaultdict(int)
    for card in books.cards.values():
        lots[card["customer_id"]] += sum(lot["left_fen"] for lot in card["lots"])
    for customer_id in sorted(said.keys() | lots.keys() | moved.of_customers.keys()):
        here = (moved.of_customers.get(customer_id, 0), lots.get(customer_id, 0))
        if here != (said.get(customer_id, 0),) * 2:
            told = said.get(customer_id, 0)
            yield f"customer {customer_id}: journal {here[0]} fen, cards {here[1]}, acknowledged {told}"


def _provider(expected: Expected, books: Books) -> Iterator[str]:
    """What was confirmed in the chat app is what the provider calls paid."""
    paid = {row.number for row in books.provider.values() if row.done and not row.is_refund}
    yield from (f"confirmed, and not paid at the provider: {each}" for each in sorted(expected.confirmed - paid))
    yield from (f"paid at the provider, and nobody confirmed it: {each}" for each in sorted(paid - expected.confirmed))


def _pieces(books: Books) -> Iterator[str]:
    """No piece of a scarce dish is lost or sold twice: left + ordered + reserved for nothing = the stock."""
    ordered: dict[str, int] = defaultdict(int)
    for order in books.orders.values():
        if order["status"] not in ("CANCELLED", "REFUNDED"):
            for taken in order["taken"]:
                ordered[taken["counter_id"]] += taken["count"]
    used = {row["reservation"] for rows in books.keys.values() for row in rows}
    for counter_id, counter in books.counters.items():
        kind, _, rest = counter_id.partition(":")
        if kind != "stock":
            continue
        reserved = sum(note["count"] for note in counter["notes"] if note["key"] not in used)
        stock = books.stocks[rest.partition(":")[0]]
        if counter["left"] + ordered[counter_id] + reserved != stock:
            gone = f"{ordered[counter_id]} ordered, {reserved} reserved"
            yield f"{counter_id}: {counter['left']} left, {gone}, of {stock}"


def by_kind(log: Log) -> dict[str, dict[str, int]]:
    """Of each verb: asked, acknowledged, refused, never answered, and tries beyond the first."""
    table: dict[str, dict[str, int]] = {}
    for operation in log:
        row = table.setdefault(
            operation.verb, {"asked": 0, "acknowledged": 0, "refused": 0, "unanswered": 0, "retries": 0}
        )
        row["asked"] += 1
        row["acknowledged" if operation.done else "refused" if operation.answered else "unanswered"] += 1
        row["retries"] += max(0, operation.tries - 1)
    return {verb: table[verb] for verb in sorted(table, key=lambda verb: (verb == CONFIRM, verb))}
