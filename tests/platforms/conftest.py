"""Scripted platforms, keys of a merchant and of WeChat Pay that no other code has made, and a simulator to talk to."""

import uuid
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from gateway.outgoing import Outgoing
from gateway.qq import QQ
from gateway.wechat import WeChat
from resolvers.chat.tokens.store import TokenStore
from resolvers.mongo import Connection
from resolvers.ports import Clock
from resolvers.vault import Vault
from scripts.simulator.app import Serving, open_world, serving
from scripts.simulator.world import KEY_MODES
from tests.platforms.stub import Stub, serving_stub
from tests.support.world import DRIVER, SECRET


@dataclass
class StillClock:
    """A clock that stands until it is moved."""

    at: datetime = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)

    def now(self) -> datetime:
        """The moment at which it stands."""
        return self.at


@dataclass(frozen=True)
class KeyPair:
    """An RSA key with both halves as PEM."""

    private: rsa.RSAPrivateKey
    private_pem: str
    public_pem: str


def _pair() -> KeyPair:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return KeyPair(
        key,
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode(),
        key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode(),
    )


@pytest.fixture(scope="session")
def merchant_key() -> KeyPair:
    """The merchant's own key."""
    return _pair()


@pytest.fixture(scope="session")
def platform_key() -> KeyPair:
    """The key with which WeChat Pay signs."""
    return _pair()


@pytest.fixture
def clock() -> Clock:
    """Stands still."""
    return StillClock()


@pytest.fixture
async def outgoing() -> AsyncIterator[Outgoing]:
    """The client under test."""
    outgoing = Outgoing()
    yield outgoing
    await outgoing.close()


@pytest.fixture
async def stub() -> AsyncIterator[Stub]:
    """A platform that says what it is told."""
    async with serving_stub() as stub:
        yield stub


@pytest.fixture(scope="session")
async def connection(mongodb_uri: str) -> AsyncIterator[Connection]:
    """A database of these tests' own."""
    connection = Connection(mongodb_uri, f"test_{uuid.uuid4().hex[:12]}", DRIVER)
    yield connection
    await connection.database.client.drop_database(connection.database.name)
    await connection.close()


@pytest.fixture
def database(mongodb_uri: str, connection: Connection, tokens: TokenStore) -> dict[str, str]:
    """The settings that name that database, with no token in it."""
    return {"MONGODB_URI": mongodb_uri, "KABAO_DATABASE": connection.database.name, "KABAO_DRIVER": DRIVER.value}


@pytest.fixture
async def tokens(connection: Connection) -> TokenStore:
    """Where tokens are kept, empty."""
    await connection.collection("platform_tokens").delete_many({})
    return TokenStore(connection, Vault(bytes.fromhex(SECRET)))


@pytest.fixture
def wechat(outgoing: Outgoing, clock: Clock, tokens: TokenStore, stub: Stub) -> WeChat:
    """WeChat, as scripted."""
    return WeChat(outgoing, clock, tokens, stub.url, "wxapp", "wxsecret")


@pytest.fixture
def qq(outgoing: Outgoing, clock: Clock, tokens: TokenStore, stub: Stub) -> QQ:
    """QQ, as scripted."""
    return QQ(outgoing, clock, tokens, stub.url, "1112223334", "qqsecret")


@pytest.fixture(scope="session")
async def simulators(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[dict[str, Serving]]:
    """A simulator that was started in each of the two modes of WeChat Pay's keys."""
    async with AsyncExitStack() as stack:
        started: dict[str, Serving] = {}
        for mode in KEY_MODES:
            folder: Path = tmp_path_factory.mktemp(mode)
            started[mode] = await stack.enter_async_context(serving(open_world(folder, mode, speed=100), folder))
        yield started
