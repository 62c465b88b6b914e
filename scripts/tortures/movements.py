"""The journal sorted by what each entry is about: a top-up, an order, a gift; and by whose cards it moved."""

from collections import Counter, defaultdict
from collections.abc import Iterator

from scripts.tortures.books import Books

_PAYMENTS = ("capture", "undo", "refund")
_GIFTS = ("give", "claim", "gift_return")


class Movements:
    """Entries and sums per subject; a payment of an order belongs to the order. Amounts in fen, points left out."""

    def __init__(self, books: Books) -> None:
        self._books = books
        self.entries: dict[str, Counter[str]] = defaultdict(Counter)
        self.of_customers: dict[str, int] = defaultdict(int)
        self._sums: dict[str, Counter[str]] = defaultdict(Counter)
        for entry in books.journal:
            subject = self._subject(entry["_id"])
            self.entries[subject][entry["_id"]] += 1
            for line in entry["lines"]:
                if line.get("currency", "CNY") != "CNY":
                    continue
                kind, owner, name = (*line["account"].split(":"), "")[:3]
                self._sums[subject]["card" if kind == "card" else name] += line["amount_fen"]
                if kind == "card":
                    card = books.cards.get(owner)
                    self.of_customers[card["customer_id"] if card else f"nobody ({owner})"] += line["amount_fen"]

    def on_cards(self, subject: str) -> int:
        """What has come onto cards, less what has left them."""
        return self._sums[subject]["card"]

    def at_provider(self, subject: str) -> int:
        """What the provider has taken in, less what it has given back."""
        return -self._sums[subject]["psp_receivable"]

    def in_drawer(self, subject: str) -> int:
        """What cash has come in, less what has gone out."""
        return -self._sums[subject]["cash"]

    def differences(self, name: str, subject: str, wanted: Counter[str]) -> Iterator[str]:
        """Where the entries about something are not those that are wanted, each once."""
        found = self.entries.get(subject, Counter())
        for entry_id in sorted(found.keys() | wanted.keys()):
            if entry_id.startswith("points:"):
                continue
            if found[entry_id] != wanted[entry_id]:
                times = f"{found[entry_id]} times in the journal, acknowledged {wanted[entry_id]}"
                yield f"{name}: entry {entry_id} is {times}"

    def _subject(self, entry_id: str) -> str:
        kind, _, rest = entry_id.partition(":")
        about = rest.partition(":")[0]
        if kind in _GIFTS:
            return about
        if kind not in _PAYMENTS:
            return entry_id
        refund = self._books.refunds.get(about)
        payment_id = refund["payment_id"] if refund else about
        payment = self._books.payments.get(payment_id)
        return str((payment["order_id"] if payment else None) or payment_id)
