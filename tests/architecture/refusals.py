"""Which refusals a verb can raise, read from the code: follows calls through the core, and what `except` takes away.

Over-approximates where it must (a method is looked up by its name in every class), so that nothing is missed.
"""

import ast
import importlib
import inspect
from collections import defaultdict
from pathlib import Path

from resolvers.errors import Refused

ROOT = Path(__file__).parents[2]
# Every verb with a key goes through these; what they raise comes on top of what the verb itself does.
_RUNNERS = {"run": {"IdempotencyKeyReused"}, "begin": {"IdempotencyKeyReused"}, "answered": {"IdempotencyKeyReused"}}


def all_refusals() -> dict[str, type[Refused]]:
    """Every refusal class by name."""
    for path in (ROOT / "resolvers").rglob("*.py"):
        importlib.import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))
    found: dict[str, type[Refused]] = {}
    waiting = [Refused]
    while waiting:
        for each in waiting.pop().__subclasses__():
            found[each.__name__] = each
            waiting.append(each)
    return found


class Code:
    """The core's functions and methods, and which refusals each may raise. `sources` maps module names to code."""

    def __init__(self, sources: dict[str, str], refusals: dict[str, type[Refused]]) -> None:
        self._refusals = refusals
        self._functions: dict[tuple[str, str], ast.AST] = {}
        self._methods: dict[str, list[tuple[str, ast.AST]]] = defaultdict(list)
        self._names: dict[str, dict[str, tuple[str, str]]] = defaultdict(dict)
        self._constants: dict[tuple[str, str], set[str]] = {}
        self._known: dict[int, set[str]] = {}
        for module, source in sources.items():
            self._read(module, ast.parse(source))

    def _read(self, module: str, tree: ast.Module) -> None:
        for node in tree.body:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                self._functions[module, node.name] = node
                self._names[module][node.name] = (module, node.name)
            elif isinstance(node, ast.ClassDef):
                for method in node.body:
                    if isinstance(method, ast.FunctionDef | ast.AsyncFunctionDef):
                        self._methods[method.name].append((module, method))
            elif isinstance(node, ast.ImportFrom):
                for alias in node.names:
                    self._names[module][alias.asname or alias.name] = (node.module or "", alias.name)
            elif isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
                # a table of refusals, such as the one that says how a gift has ended
                named = {each.id for each in ast.walk(node.value) if isinstance(each, ast.Name)} & set(self._refusals)
                for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
                    if named and isinstance(target, ast.Name):
                        self._constants[module, target.id] = named
                        self._names[module][target.id] = (module, target.id)

    def raised_by(self, module: str, name: str) -> set[str]:
        """What a module's function may raise."""
        return self._function(module, self._functions[module, name])

    def _function(self, module: str, function: ast.AST) -> set[str]:
        if id(function) not in self._known:
            self._known[id(function)] = set()  # a function that calls itself adds nothing of its own
            body = getattr(function, "body", [])
            self._known[id(function)] = set().union(*(self._node(module, each) for each in body))
        return self._known[id(function)]

    def _taken_away(self, handler: ast.ExceptHandler) -> set[str]:
        """What a handler catches for good, with all that derives from it; nothing when it may raise it again."""
        if handler.type is None or any(isinstance(each, ast.Raise) and each.exc is None for each in ast.walk(handler)):
            return set()
        named = [self._refusals.get(each.id) for each in ast.walk(handler.type) if isinstance(each, ast.Name)]
        caught = tuple(each for each in named if each is not None)
        return {name for name, refusal in self._refusals.items() if issubclass(refusal, caught)}

    def _node(self, module: str, node: ast.AST) -> set[str]:
        if isinstance(node, ast.Try):
            raised = set().union(*(self._node(module, each) for each in node.body))
            raised -= set().union(*(self._taken_away(handler) for handler in node.handlers))
            after = [each for handler in node.handlers for each in handler.body] + node.orelse + node.finalbody
            return raised.union(*(self._node(module, each) for each in after))
        found: set[str] = set().union(*(self._node(module, each) for each in ast.iter_child_nodes(node)))
        if isinstance(node, ast.Name):
            place = self._names[module].get(node.id, (module, node.id))
            if place[1] in self._refusals:
                found.add(place[1])
            found |= self._constants.get(place, set())
            if place in self._functions:
                found |= self._function(place[0], self._functions[place])
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            if ast.unparse(node.func).startswith("app.work."):
                return found | _RUNNERS.get(node.func.attr, set())
            for owner, method in self._methods.get(node.func.attr, []):
                found |= self._function(owner, method)
        return found


def core_code() -> Code:
    """The whole core."""
    sources = {
        ".".join(path.relative_to(ROOT).with_suffix("").parts): path.read_text("utf-8")
        for path in (ROOT / "resolvers").rglob("*.py")
    }
    return Code(sources, all_refusals() | {Refused.__name__: Refused})


def verbs_of(root: type) -> dict[str, set[tuple[str, str]]]:
    """Mutation method → the core's functions, as (module, name), that its body calls."""
    module = inspect.getmodule(root)
    assert module is not None
    tree = ast.parse(inspect.getsource(module))
    imported = {
        alias.asname or alias.name: (node.module or "", alias.name)
        for node in tree.body
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("resolvers")
        for alias in node.names
        if alias.name[0].islower()
    }
    body = next(node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == root.__name__)
    return {
        method.name: {
            imported[each.id] for each in ast.walk(method) if isinstance(each, ast.Name) and each.id in imported
        }
        for method in body.body
        if isinstance(method, ast.AsyncFunctionDef)
    }
