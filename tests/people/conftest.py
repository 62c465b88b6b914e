"""A product whose clock is moved, a second application on its database, and a count of the hashes that are compared."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gateway.wiring import wire
from resolvers.app import App
from resolvers.brands.model import Brand
from resolvers.vault import Vault
from tests.gateway.conftest import log_lines as log_lines
from tests.support.world import World, open_product, settings_of


@pytest.fixture(scope="session")
async def time(mongodb_uri: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """A product of its own, because its clock is moved, forward only; who pays at a platform needs true time."""
    async with open_product(mongodb_uri, Path(tmp_path_factory.mktemp("people"))) as world:
        yield world


@pytest.fixture
async def other_app(time: World) -> AsyncIterator[App]:
    """Another process on the same database, as it were: with queues of its own."""
    other = wire(settings_of(time.settings), time.clock)
    yield other.app
    await other.close()


@pytest.fixture
def compared(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every password that is compared with a hash, in every application of this process."""
    seen: list[str] = []
    matches = Vault.password_matches

    async def counting(self: Vault, stored: str | None, password: str) -> bool:
        seen.append(password)
        return await matches(self, stored, password)

    monkeypatch.setattr(Vault, "password_matches", counting)
    return seen


@pytest.fixture
async def brand_settings() -> AsyncIterator[Any]:
    """Changes settings of a world's brand for the length of a test."""
    before: list[tuple[World, Brand]] = []

    async def change(world: World, **settings: int) -> None:
        brand = await world.app.brands.brand(world.brand_id)
        assert brand is not None
        before.append((world, brand))
        await world.app.brands.put_brand(replace(brand, settings=replace(brand.settings, **settings)))

    yield change
    for world, brand in reversed(before):
        await world.app.brands.put_brand(brand)
