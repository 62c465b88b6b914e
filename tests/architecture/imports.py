"""Which file may import what: the layers, and the libraries that belong to one place each.

gateway → schema → resolvers, never back. MongoDB's driver is spoken to by store files and the connection module alone,
so that changing the driver changes one file; GraphQL's library by schema and the gateway's engine, so that the core
can be read and tested without it; HTTP's by the gateway.
"""

import ast
from collections.abc import Iterator
from pathlib import PurePosixPath

LAYERS = ("gateway", "schema", "resolvers")  # each may import itself and what stands to its right
CONNECTION = "resolvers/mongo.py"
ENGINE = "gateway/graphql.py"
DRIVER = {"motor", "pymongo", "bson", "gridfs"}
GRAPHQL = {"strawberry", "graphql"}
HTTP = {"starlette", "aiohttp", "jwt", "uvicorn", "websockets", "httptools"}
# What a model may import beside the standard library: other models and the pure files at the root of resolvers.
PURE = {"resolvers.errors", "resolvers.money", "resolvers.ids", "resolvers.paging", "resolvers.ports"}
MODELS = {"model", "menu", "tenders"}


def imported(source: str) -> Iterator[tuple[int, str]]:
    """(line, module) of every import, wherever it stands."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.lineno, node.module


def violations(path: str, source: str) -> list[str]:
    """What a product file (path from the repository's root) imports against the rules."""
    return [
        f"{path}:{line} imports {module}: {reason}"
        for line, module in imported(source)
        if (reason := _reason(PurePosixPath(path), module))
    ]


def _reason(path: PurePosixPath, module: str) -> str | None:
    layer, top = path.parts[0], module.split(".")[0]
    if top in LAYERS and LAYERS.index(top) < LAYERS.index(layer):
        return f"{layer} stands below {top}"
    if top in ("tests", "scripts"):
        return "the product needs neither tests nor scripts"
    if top in DRIVER and path.name != "store.py" and str(path) != CONNECTION:
        return "only store.py files and the connection module speak to MongoDB"
    if top in GRAPHQL and layer != "schema" and str(path) != ENGINE:
        return "only schema and the gateway's engine know GraphQL"
    if top in HTTP and layer != "gateway":
        return "only the gateway knows HTTP"
    product_model = path.name == "model.py" and layer == "resolvers" and top == "resolvers"
    if product_model and module not in PURE and module.split(".")[-1] not in MODELS:
        return "a model is pure: the standard library and other models only"
    return None


def impure_model_code(path: str, source: str) -> list[str]:
    """Coroutines in a model: it computes, it never waits."""
    return [
        f"{path}:{node.lineno} waits"
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.AsyncFunctionDef | ast.Await | ast.AsyncFor | ast.AsyncWith)
    ]
