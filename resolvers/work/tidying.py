"""Tidying what has lapsed: one after the other, and one that cannot be tidied does not keep the others waiting."""

import logging
from collections.abc import Awaitable, Callable, Iterable
from typing import Protocol, TypeVar

log = logging.getLogger("kabao.tidying")


class _Named(Protocol):
    @property
    def id(self) -> str: ...


Lapsed = TypeVar("Lapsed", bound=_Named)


async def tidy(found: Iterable[Lapsed], one: Callable[[Lapsed], Awaitable[object]]) -> int:
    """Tidy each; answers of how many `one` says that something was done. What goes wrong is logged with the id."""
    tidied = 0
    for each in found:
        try:
            tidied += bool(await one(each))
        except Exception as error:
            log.error("lapsed thing not tidied", extra={"thing": each.id}, exc_info=error)
    return tidied
