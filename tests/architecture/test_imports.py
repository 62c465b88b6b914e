"""The layers hold, and each rule catches a file that breaks it."""

from pathlib import Path

import pytest

from tests.architecture.imports import FURTHER_MODELS, LAYERS, PURE, imported, impure_model_code, is_model, violations

ROOT = Path(__file__).parents[2]
FILES = sorted(path.relative_to(ROOT).as_posix() for layer in LAYERS for path in (ROOT / layer).rglob("*.py"))


def test_there_are_files_to_check() -> None:
    assert len(FILES) > 100


@pytest.mark.parametrize("path", FILES)
def test_a_file_imports_only_what_its_place_allows(path: str) -> None:
    assert violations(path, (ROOT / path).read_text("utf-8")) == []


def test_the_files_that_the_rules_name_are_there() -> None:
    assert {f"{module.replace('.', '/')}.py" for module in PURE | FURTHER_MODELS} <= set(FILES)


@pytest.mark.parametrize("path", [path for path in FILES if is_model(path)])
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
        ("resolvers/cards/model.py", "from resolvers.cards import store", "a model is pure"),
        ("resolvers/cards/model.py", "from scripts.seed import seed", "neither tests nor scripts"),
        # a model knows no library, whichever it is, and models are more than the files of that name
        ("resolvers/cards/model.py", "import msgspec", "a model is pure"),
        ("resolvers/cards/model.py", "from cryptography.fernet import Fernet", "a model is pure"),
        ("resolvers/ordering/pricing.py", "from resolvers.ordering.store import OrderStore", "a model is pure"),
        ("resolvers/ordering/pricing.py", "import orjson", "a model is pure"),
        ("resolvers/ordering/menu.py", "from resolvers.app import App", "a model is pure"),
        ("resolvers/ordering/tenders.py", "from resolvers.mongo import Connection", "a model is pure"),
        ("resolvers/ordering/tenders.py", "import pydantic", "a model is pure"),
        ("resolvers/money.py", "from resolvers.mongo import Connection", "a model is pure"),
        ("resolvers/ports.py", "import msgspec", "a model is pure"),
        # dots hide nothing
        ("resolvers/cards/model.py", "from . import store", "imports resolvers.cards.store: a model is pure"),
        ("resolvers/cards/model.py", "from .store import CardStore", "imports resolvers.cards.store: a model is pure"),
        ("resolvers/cards/model.py", "from ..mongo import Connection", "imports resolvers.mongo: a model is pure"),
        ("resolvers/cards/model.py", "from .. import mongo", "imports resolvers.mongo: a model is pure"),
        ("resolvers/gifts/give.py", "from ...gateway import wiring", "resolvers stands below gateway"),
        ("resolvers/gifts/give.py", "from ... import gateway", "resolvers stands below gateway"),
        ("resolvers/app.py", "from ..schema.common import Node", "resolvers stands below schema"),
        ("schema/console/__init__.py", "def f():\n    from ... import tests", "neither tests nor scripts"),
        # an import that only shows when it runs
        ("resolvers/gifts/give.py", "import importlib", "no import may hide"),
        ("gateway/http.py", "import importlib.util as u", "no import may hide"),
        ("schema/common.py", "def f():\n    from importlib import import_module", "no import may hide"),
        ("resolvers/gifts/give.py", "__import__('gateway.wiring')", "no import may hide"),
        ("resolvers/gifts/give.py", "builtins.__import__('motor')", "no import may hide"),
        ("resolvers/gifts/give.py", "tools.import_module('motor')", "no import may hide"),
        ("resolvers/gifts/give.py", "driver = sys.modules['motor']", "no import may hide"),
        ("resolvers/gifts/give.py", "exec('import motor')", "no import may hide"),
        ("gateway/http.py", "from runpy import run_module", "no import may hide"),
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
        ("resolvers/cards/model.py", "import re, zoneinfo\nfrom collections.abc import Sequence"),
        (
            "resolvers/cards/model.py",
            "from ..errors import Refused\nfrom ..brands.model import Store\nfrom .. import money",
        ),
        ("resolvers/ordering/pricing.py", "from . import menu, model\nfrom .tenders import split"),
        ("resolvers/cards/store.py", "from . import model\nfrom ..mongo import Connection"),
        ("resolvers/cards/movement.py", "from . import store"),
    ],
)
def test_what_belongs_there_is_let_through(path: str, source: str) -> None:
    assert violations(path, source) == []


def test_a_model_that_waits_is_named() -> None:
    assert impure_model_code("resolvers/cards/model.py", "async def f():\n    await g()") == [
        "resolvers/cards/model.py:1 waits",
        "resolvers/cards/model.py:2 waits",
    ]


@pytest.mark.parametrize(
    ("path", "source", "modules"),
    [
        (
            "resolvers/cards/model.py",
            "from . import store, top_up",
            ["resolvers.cards.store", "resolvers.cards.top_up"],
        ),
        ("resolvers/cards/__init__.py", "from .store import CardStore", ["resolvers.cards.store"]),
        ("resolvers/cards/model.py", "from ..mongo import Connection", ["resolvers.mongo"]),
        ("resolvers/app.py", "from .. import gateway", ["gateway"]),
        ("gateway/http.py", "from .graphql import Engine\nimport a.b", ["gateway.graphql", "a.b"]),
        ("gateway/http.py", "from ....far import away", ["far"]),
    ],
)
def test_dots_are_resolved_from_where_the_file_stands(path: str, source: str, modules: list[str]) -> None:
    assert [module for _, module in imported(path, source)] == modules


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("resolvers/cards/model.py", True),
        ("resolvers/ordering/pricing.py", True),
        ("resolvers/ordering/menu.py", True),
        ("resolvers/ordering/tenders.py", True),
        ("resolvers/ordering/place.py", False),
        ("schema/customer/menu.py", False),
    ],
)
def test_which_files_are_models(path: str, expected: bool) -> None:
    assert is_model(path) is expected
