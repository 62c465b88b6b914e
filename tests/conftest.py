"""One MongoDB and one running product for all tests; each test brings its own people."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from resolvers.mongo import Driver
from scripts.embedded_mongo import EmbeddedMongo
from tests.support.world import DRIVER, World, open_product


def pytest_configure(config: pytest.Config) -> None:
    """PyMongo leaves the socket of a handshake that was cancelled to the garbage collector, which warns at any time."""
    if DRIVER is Driver.PYMONGO:
        config.addinivalue_line("filterwarnings", "ignore:unclosed:ResourceWarning")


@pytest.fixture(scope="session")
async def mongodb_uri(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    """A real mongod, as a replica set of one."""
    async with EmbeddedMongo(tmp_path_factory.mktemp("mongo"), members=1) as mongo:
        yield mongo.uri


@pytest.fixture(scope="session")
async def world(mongodb_uri: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """The product, running; shared, so a test that moves the clock or breaks things opens its own."""
    async with open_product(mongodb_uri, Path(tmp_path_factory.mktemp("product"))) as product:
        yield product
