"""The layers hold, and each rule catches a file that breaks it."""

from pathlib import Path

import pytest

from tests.architecture.imports import LAYERS, impure_model_code, violations

ROOT = Path(__file__).parents[2]
FILES = sorted(path.relative_to(ROOT).as_posix() for layer in LAYERS for path in (ROOT / layer).rglob("*.py"))


def test_there_are_files_to_check() -> None:
    assert len(FILES) > 100


@pytest.mark.parametrize("path", FILES)
def test_a_file_imports_only_what_its_place_allows(path: str) -> None:
    assert violations(path, (ROOT / path).read_text("utf-8")) == []


@pytest.mark.parametrize(
    "path", [path for path in FILES if path.endswith("/model.py") and path.startswith("resolvers/")]
)
def test_a_model_never_waits(path: str) -> None:
    assert impure_model_code(path, (ROOT / path).read_text("utf-8")) == []


@pytest.mark.parametrize(
    ("path", "source", "reason"),
    [
        ("resolvers/gifts/give.py", "import gateway.wiring", "resolvers stands below gateway"),
        ("resolvers/gifts/give.py", "from schema.common import Node", "resolvers stands below schema"),
        ("schema/common.py", "def f():\n    from gateway import http", "schema stands below gateway"),
        ("resolvers/gifts/give.py", "from pymongo import ASCENDING", "only store.py files"),
        ("gateway/http.py", "import motor.motor_asyncio", "only store.py files"),
        ("schema/common.py", "from bson import ObjectId", "only store.py files"),
        ("resolvers/gifts/give.py", "import strawberry", "only schema and the gateway's engine"),
        ("gateway/http.py", "from graphql import parse", "only schema and the gateway's engine"),
        ("schema/context.py", "from starlette.requests import Request", "only the gateway knows HTTP"),
        ("resolvers/people/sign_in.py", "import aiohttp", "only the gateway knows HTTP"),
        ("schema/context.py", "import jwt", "only the gateway knows HTTP"),
        ("resolvers/cards/model.py", "from resolvers.cards.store import CardStore", "a model is pure"),
        ("resolvers/cards/model.py", "from scripts.seed import seed", "neither tests nor scripts"),
    ],
)
def test_a_file_that_breaks_a_rule_is_named(path: str, source: str, reason: str) -> None:
    found = violations(path, source)
    assert len(found) == 1
    assert path in found[0]
    assert reason in found[0]


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("gateway/graphql.py", "import strawberry"),
        ("resolvers/mongo.py", "import motor.motor_asyncio, pymongo, bson"),
        ("resolvers/cards/store.py", "from pymongo import ASCENDING"),
        ("gateway/wiring.py", "from resolvers.assemble import assemble"),
        ("schema/common.py", "from resolvers.paging import Page"),
    ],
)
def test_what_belongs_there_is_let_through(path: str, source: str) -> None:
    assert violations(path, source) == []


def test_a_model_that_waits_is_named() -> None:
    assert impure_model_code("resolvers/cards/model.py", "async def f():\n    await g()") == [
        "resolvers/cards/model.py:1 waits",
        "resolvers/cards/model.py:2 waits",
    ]
