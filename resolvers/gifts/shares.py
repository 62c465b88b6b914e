"""How a group gift is shared: how much the next share holds, and of which lots."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from random import SystemRandom
from typing import Protocol

from resolvers.cards.model import Take
from resolvers.gifts.model import Gift, GiftSplit
from resolvers.money import split

_SYSTEM = SystemRandom()


class Random(Protocol):
    """A source of random choices."""

    def sample(self, population: range, k: int) -> list[int]:
        """`k` distinct members, every choice of them equally likely."""
        ...


def next_share(waiting_fen: int, shares_left: int, how: GiftSplit, random: Random = _SYSTEM) -> int:
    """How much the next claimant gets of what waits, in fen; the last gets all of it. Never below 1, never too much.

    EQUAL: an equal part, rounded up, so that shares differ by one fen at most and the sum is exact.

    LUCKY: the sum is a stick of whole fen, cut at `shares - 1` distinct places, every choice of places equally likely;
    this share is the first piece. What remains is again such a stick with one share less, so that drawing one share at
    each claim is the same as cutting once: every share has the same distribution (mean: sum / shares), whoever comes
    first or last, each holds at least 1 fen, and nothing about later shares exists before they are claimed.
    """
    if not 1 <= shares_left <= waiting_fen:
        raise ValueError(f"{waiting_fen} fen cannot be shared among {shares_left}")
    if shares_left == 1:
        return waiting_fen
    if how is GiftSplit.LUCKY:
        return min(random.sample(range(1, waiting_fen), shares_left - 1))
    return -(-waiting_fen // shares_left)


def gift_share(gift: Gift, now: datetime) -> tuple[tuple[Take, ...], tuple[Take, ...]]:
    """(the lots of the next share, the lots that go on waiting); what has lapsed on the way goes with the last one."""
    if gift.shares_left == 1:
        return gift.takes, ()
    usable = [take for take in gift.takes if not take.lapsed(now)]
    share_fen = next_share(gift.usable_fen(now), gift.shares_left, gift.split)
    share, left = cut(usable, share_fen)
    return share, (*left, *(take for take in gift.takes if take.lapsed(now)))


def cut(takes: Sequence[Take], share_fen: int) -> tuple[tuple[Take, ...], tuple[Take, ...]]:
    """(the lots of a share, the lots that go on waiting): of every lot in proportion, by the split rule."""
    parts = split(share_fen, [take.amount_fen for take in takes])
    share = [replace(take, amount_fen=fen) for take, fen in zip(takes, parts, strict=True) if fen]
    left = [replace(take, amount_fen=take.amount_fen - fen) for take, fen in zip(takes, parts, strict=True)]
    return tuple(share), tuple(take for take in left if take.amount_fen)
