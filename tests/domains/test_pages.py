"""Pages newest first: of the same moment by id, every item on exactly one page, no cursor but its own."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from resolvers.documents import Document
from resolvers.errors import BadInput
from resolvers.mongo import Collection, newest_first
from resolvers.paging import Page, PageRequest, encode_cursor
from tests.support.world import World

NOON = datetime(2026, 11, 21, 4, 0, 0, 123_000, tzinfo=UTC)
WHEN = {"a": 0, "b": 2, "c": 1, "d": 2, "e": 2, "f": 3}  # milliseconds after NOON
NEWEST_FIRST = ["f", "e", "d", "b", "c", "a"]


@pytest.fixture
async def things(world: World) -> AsyncIterator[Collection]:
    """Six things, three of them of the same millisecond, and one that belongs to somebody else."""
    things = world.app.connection.collection("test_pages")
    rows = [{"_id": name, "of": "me", "at": NOON + timedelta(milliseconds=late)} for name, late in WHEN.items()]
    await things.insert_many([*rows, {"_id": "z", "of": "you", "at": NOON}])
    yield things
    await things.drop()


async def page(things: Collection, first: int, after: str | None = None) -> Page[str]:
    def name(document: Document) -> str:
        return str(document["_id"])

    return await newest_first(things, {"of": "me"}, PageRequest.parse(first, after), "at", name)


@pytest.mark.parametrize("first", [1, 2, 3, 4, 5])
async def test_page_after_page_is_the_whole_list_once(things: Collection, first: int) -> None:
    seen: list[str] = []
    after: str | None = None
    for _ in range(len(NEWEST_FIRST)):
        found = await page(things, first, after)
        assert (found.has_previous, len(found.items) == len(found.cursors) <= first) == (after is not None, True)
        seen += found.items
        if not found.has_next:
            break
        after = found.cursors[-1]
    assert seen == NEWEST_FIRST


async def test_all_at_once_and_just_all_say_that_nothing_follows(things: Collection) -> None:
    for first in (6, 7, 100):
        found = await page(things, first)
        assert (list(found.items), found.has_next, found.has_previous) == (NEWEST_FIRST, False, False)


async def test_what_is_new_meanwhile_does_not_shift_the_next_page(things: Collection) -> None:
    first = await page(things, 2)
    await things.insert_one({"_id": "g", "of": "me", "at": NOON + timedelta(seconds=1)})
    assert list((await page(things, 2, first.cursors[-1])).items) == ["d", "b"]


async def test_a_cursor_of_another_list_is_refused(things: Collection) -> None:
    with pytest.raises(BadInput):
        await page(things, 2, encode_cursor(("noon", "a")))
