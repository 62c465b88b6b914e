"""Fixtures that several folders of tests need alike: products of their own, and the audit after every file."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.core import books_are_in_order
from tests.support.world import World, open_product

_OPEN: dict[str, World] = {}


def product(name: str, *, with_jobs: bool = True) -> Any:
    """A fixture: the product, running, for one folder's tests alone, which break its providers or move its clock."""

    @pytest.fixture(scope="package")
    async def opened(mongodb_uri: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
        async with open_product(mongodb_uri, Path(tmp_path_factory.mktemp(name)), with_jobs=with_jobs) as world:
            _OPEN[name] = world
            yield world
            del _OPEN[name]

    return opened


def audit_after_each_file(*names: str) -> Any:
    """A fixture: after each file every invariant holds in each of these products that is up; the provider agrees.

    Between the files of its folder a product rests, for it stays up to the end.
    """

    @pytest.fixture(scope="module", autouse=True)
    async def books_in_order() -> AsyncIterator[None]:
        for world in _open(names):
            await world.go_on()
        yield
        for world in _open(names):
            await books_are_in_order(world)
            await world.rest()

    return books_in_order


def _open(names: tuple[str, ...]) -> list[World]:
    return [_OPEN[name] for name in names if name in _OPEN]
