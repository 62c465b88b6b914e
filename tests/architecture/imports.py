"""Which file may import what: the layers, and the libraries that belong to one place each.

gateway → schema → resolvers, never back. MongoDB's driver is spoken to by store files and the connection module alone,
so that changing the driver changes one file; GraphQL's library by schema and the gateway's engine, so that the core
can be read and tested without it; HTTP's by the gateway. An import that only shows when it runs could be any of these,
so the product has none.
"""

import ast
import sys
from collections.abc import Iterator
from pathlib import PurePosixPath

LAYERS = ("gateway", "schema", "resolvers")  # each may import itself and what stands to its right
CONNECTION = "resolvers/mongo.py"
ENGINE = "gateway/graphql.py"
DRIVER = {"motor", "pymongo", "bson", "gridfs"}
GRAPHQL = {"strawberry", "graphql"}
HTTP = {"starlette", "aiohttp", "jwt", "uvicorn", "websockets", "httptools"}
# What a model may import beside the standard library: other models and the pure files at the root of resolvers.
PURE = {
    "resolvers.errors",
    "resolvers.money",
    "resolvers.ids",
    "resolvers.paging",
    "resolvers.ports",
    "resolvers.ports_payment",
    "resolvers.ports_chat",
}
# Models of a domain that has so many rules that they fill more than its model.py.
FURTHER_MODELS = {
    "resolvers.cards.offers",
    "resolvers.cards.refund_rules",
    "resolvers.chat.desk.model",
    "resolvers.chat.desk.quota",
    "resolvers.chat.incoming.model",
    "resolvers.chat.menus.model",
    "resolvers.chat.replies.model",
    "resolvers.coupons.best",
    "resolvers.coupons.combine",
    "resolvers.coupons.issue_job.model",
    "resolvers.coupons.rules",
    "resolvers.ordering.menu",
    "resolvers.ordering.pricing",
    "resolvers.ordering.refund_rules",
    "resolvers.ordering.refusals",
    "resolvers.ordering.shares",
    "resolvers.ordering.slots",
    "resolvers.ordering.suggest",
    "resolvers.ordering.tenders",
    "resolvers.people.joining.model",
    "resolvers.people.pay_password.model",
    "resolvers.people.profile.model",
}
DYNAMIC_MODULES = {"importlib", "imp", "pkgutil", "runpy", "zipimport"}
DYNAMIC_NAMES = {"__import__", "import_module", "exec", "eval"}


def imported(path: str, source: str) -> Iterator[tuple[int, str]]:
    """(line, module) of every import, wherever it stands; relative ones as they resolve for a file at this path."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name
        elif isinstance(node, ast.ImportFrom):
            module = ".".join([*_base(path, node.level), *([node.module] if node.module else [])])
            if node.module:
                yield node.lineno, module
            else:  # `from . import store` names modules, not what is in one
                for alias in node.names:
                    yield node.lineno, f"{module}.{alias.name}".removeprefix(".")


def _base(path: str, level: int) -> tuple[str, ...]:
    """The package that so many dots stand for; of too many, the repository's root."""
    package = PurePosixPath(path).parent.parts
    return package[: max(len(package) - level + 1, 0)] if level else ()


def violations(path: str, source: str) -> list[str]:
    """What a product file (path from the repository's root) imports against the rules."""
    return [
        f"{path}:{line} imports {module}: {reason}"
        for line, module in imported(path, source)
        if (reason := _reason(PurePosixPath(path), module))
    ] + [f"{path}:{line} says {name}: no import may hide until it runs" for line, name in _dynamic(source)]


def is_model(path: str) -> bool:
    """Whether a file is one of the models: values and rules, nothing that waits or knows a library."""
    return _is_model(_module_of(PurePosixPath(path)))


def _is_model(module: str) -> bool:
    layer, *rest = module.split(".")
    return module in FURTHER_MODELS or (layer == "resolvers" and len(rest) == 2 and rest[-1] == "model")


def _module_of(path: PurePosixPath) -> str:
    return ".".join(path.with_suffix("").parts)


def _reason(path: PurePosixPath, module: str) -> str | None:
    layer, top = path.parts[0], module.split(".")[0]
    if top in LAYERS and LAYERS.index(top) < LAYERS.index(layer):
        return f"{layer} stands below {top}"
    if top in ("tests", "scripts"):
        return "the product needs neither tests nor scripts"
    if top in DYNAMIC_MODULES:
        return "no import may hide until it runs"
    if top in DRIVER and path.name != "store.py" and str(path) != CONNECTION:
        return "only store.py files and the connection module speak to MongoDB"
    if top in GRAPHQL and layer != "schema" and str(path) != ENGINE:
        return "only schema and the gateway's engine know GraphQL"
    if top in HTTP and layer != "gateway":
        return "only the gateway knows HTTP"
    own = _module_of(path)
    if (own in PURE or _is_model(own)) and not _is_pure(module):
        return "a model is pure: the standard library and other models only"
    return None


def _is_pure(module: str) -> bool:
    return module in PURE or _is_model(module) or module.split(".")[0] in sys.stdlib_module_names


def _dynamic(source: str) -> Iterator[tuple[int, str]]:
    """(line, name) of what imports by a name that only running it tells."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Name) and node.id in DYNAMIC_NAMES:
            yield node.lineno, node.id
        elif isinstance(node, ast.Attribute) and (
            node.attr in ("__import__", "import_module") or ast.unparse(node) == "sys.modules"
        ):
            yield node.lineno, node.attr


def impure_model_code(path: str, source: str) -> list[str]:
    """Coroutines in a model: it computes, it never waits."""
    return [
        f"{path}:{node.lineno} waits"
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.AsyncFunctionDef | ast.Await | ast.AsyncFor | ast.AsyncWith)
    ]
