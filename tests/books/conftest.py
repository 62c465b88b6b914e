"""A day to reconcile, shared by all files that do, each test of which must leave it as it was."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.books.reconciled import Day, open_day


@pytest.fixture(scope="package")
async def day(mongodb_uri: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Day]:
    """Payments and refunds at both providers."""
    async with open_day(mongodb_uri, Path(tmp_path_factory.mktemp("reconcile"))) as day:
        yield day


@pytest.fixture
async def agrees_again(day: Day) -> AsyncIterator[None]:
    """Whatever a test did, the day agrees again when it is over."""
    yield
    assert await day.exit_code() == 0
    assert (await day.open(), await day.incidents()) == ([], [])
