"""A product of its own for the tests of payments, and the audit of its books after every file of them."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.payments.diner import Diner, new_diner
from tests.payments.money import PLATFORMS, audited
from tests.support.world import World, open_product


@pytest.fixture(scope="package")
async def world(mongodb_uri: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """The product, running; its providers are made to fail and its books must add up, so nobody else uses it."""
    async with open_product(mongodb_uri, Path(tmp_path_factory.mktemp("payments"))) as product:
        yield product


@pytest.fixture(params=PLATFORMS)
async def diner(request: pytest.FixtureRequest, world: World) -> Diner:
    """A diner of each chat app."""
    return await new_diner(world, request.param)


@pytest.fixture(scope="module", autouse=True)
async def _books_in_order(world: World) -> AsyncIterator[None]:
    """After each file every invariant holds, and the provider's own view is ours."""
    yield
    await audited(world)
