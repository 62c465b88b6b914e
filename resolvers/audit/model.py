"""What an audit finds."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """One invariant: its number and sentence, how many things were checked, and each breach with the document's id."""

    number: int
    rule: str
    checked: int
    breaches: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ProviderRow:
    """A payment or refund as the provider itself has it; `number` is the out_trade_no or out_refund_no. In fen."""

    number: str
    amount_fen: int
    done: bool
    is_refund: bool
