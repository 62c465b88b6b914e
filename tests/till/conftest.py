"""Products of their own for the tests of the till, one of which has its clock moved; the audit after every file."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.core import books_are_in_order
from tests.support.world import World, open_product


@pytest.fixture(scope="package")
async def world(mongodb_uri: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """The product, running: its books must add up, so nobody else uses it."""
    async with open_product(mongodb_uri, Path(tmp_path_factory.mktemp("till"))) as product:
        yield product


@pytest.fixture(scope="package")
async def time(mongodb_uri: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """A product whose clock is stopped at moments to come."""
    async with open_product(mongodb_uri, Path(tmp_path_factory.mktemp("till-time"))) as product:
        yield product


@pytest.fixture(scope="module", autouse=True)
async def _books_in_order(request: pytest.FixtureRequest) -> AsyncIterator[None]:
    """After each file every invariant holds in every product it used, and the provider's own view is ours."""
    yield
    for name in ("world", "time"):
        if name in request.fixturenames:
            await books_are_in_order(request.getfixturevalue(name))
