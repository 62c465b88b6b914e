"""What a torture found, for people."""

from scripts.tortures.check import by_kind
from scripts.tortures.log import CONFIRM
from scripts.tortures.run import Outcome

_SHOWN = 40  # breaches; the rest are counted


def report(outcome: Outcome) -> str:
    """The figures and the verdict, as lines."""
    plan, kills, table = outcome.plan, outcome.kills, by_kind(outcome.log)
    columns = ("asked", "acknowledged", "refused", "unanswered", "retries")
    lines = [f"{'':16}" + "".join(f"{column:>14}" for column in columns)]
    for verb, row in table.items():
        lines.append(f"{verb:16}" + "".join(f"{row[column]:>14}" for column in columns))
    ours = [row for verb, row in table.items() if verb != CONFIRM]
    lines.append(f"{'operations':16}" + "".join(f"{sum(row[column] for row in ours):>14}" for column in columns))
    lost = ", ".join(f"{reason} {count}" for reason, count in outcome.lost.most_common()) or "none"
    lines += [
        "",
        f"{plan.clients} clients, gateways: {plan.gateways}, {plan.seconds:.0f} s, seed {plan.seed}"
        + (", providers that err" if plan.faults else ""),
        f"killed: the primary {len(kills.primaries)} times, the gateway {len(kills.gateways)} times",
        f"gateways that did not come up at the first try: {len(kills.failed_starts)}",
        f"members that had to be killed once more: {', '.join(kills.stuck) or 'none'}",
        f"longest outage: {outcome.outage_seconds:.1f} s; tries without an answer: {lost}",
        f"settled {outcome.settled_seconds:.1f} s after the last kill",
        f"in the books: {len(outcome.books.payments)} payments, {len(outcome.books.orders)} orders,"
        f" {len(outcome.books.refunds)} refunds by the provider, {len(outcome.books.gifts)} gifts,"
        f" {len(outcome.books.journal)} entries",
        "",
    ]
    if outcome.breaches:
        lines += [f"  BREACH {breach}" for breach in outcome.breaches[:_SHOWN]]
        hidden = len(outcome.breaches) - _SHOWN
        lines += [f"  … and {hidden} more"] if hidden > 0 else []
        lines.append(f"{len(outcome.breaches)} breaches")
    else:
        lines.append("every acknowledged operation is in the books once, and nothing else is; the audit is clean")
    return "\n".join(lines)
