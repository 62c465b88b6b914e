"""The simulator checks the product, so it must not be made of it."""

import ast
from pathlib import Path

SIMULATOR = Path(__file__).parents[2] / "scripts" / "simulator"
PRODUCT = {"gateway", "schema", "resolvers"}


def imported(source: str) -> set[str]:
    """The top-level packages that a module imports."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module.split(".")[0])
    return names


def test_the_simulator_shares_no_code_with_the_product() -> None:
    modules = list(SIMULATOR.rglob("*.py"))
    assert modules
    guilty = {module.name: imported(module.read_text("utf-8")) & PRODUCT for module in modules}
    assert {name for name, found in guilty.items() if found} == set()


def test_the_guard_sees_both_kinds_of_import() -> None:
    assert imported("import gateway.jobs\nfrom resolvers.ledger import posting") == {"gateway", "resolvers"}
