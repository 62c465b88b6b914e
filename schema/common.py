"""What both endpoints share: Node, UserError, pages, descriptions of enums, and the base of every domain error."""

from collections.abc import Callable, Mapping
from enum import Enum
from typing import Annotated, Any, Generic, TypeVar

import strawberry
from strawberry.types.enum import StrawberryEnumDefinition

from resolvers.paging import Page

Item = TypeVar("Item")
Shown = TypeVar("Shown")

First = Annotated[int, strawberry.argument(description="How many at the most, 1 to 100.")]
After = Annotated[str | None, strawberry.argument(description="Go on after this cursor; null: from the start.")]


@strawberry.interface(description="Anything with an id of its own.")
class Node:
    """Anything with an id."""

    id: strawberry.ID = strawberry.field(description="Opaque and unique among all kinds of things.")


@strawberry.interface(description="What every domain error has, so that one fragment serves every mutation.")
class UserError:
    """An expected refusal, as the client sees it."""

    code_name: str = strawberry.field(description="The domain's `code` as text.")
    message: str = strawberry.field(description="What to tell the person, in zh-CN, fit for a toast.")
    field: list[str] = strawberry.field(description="Path of the input field it is about; empty when none.")


@strawberry.type(description="Where a page lies in its list.")
class PageInfo:
    """Where a page lies in its list."""

    has_next_page: bool = strawberry.field(description="Whether more follow.")
    has_previous_page: bool = strawberry.field(description="Whether something came before.")
    start_cursor: str | None = strawberry.field(description="Cursor of the first item; null on an empty page.")
    end_cursor: str | None = strawberry.field(description="Cursor of the last item; null on an empty page.")


@strawberry.type(description="An item of a list with its cursor.")
class Edge(Generic[Item]):
    """An item of a list with its cursor."""

    cursor: str = strawberry.field(description="Where to go on after this item.")
    node: Item = strawberry.field(description="The item.")


@strawberry.type(description="A page of a list.")
class Connection(Generic[Item]):
    """A page of a list."""

    edges: list[Edge[Item]] = strawberry.field(description="The items with their cursors.")
    nodes: list[Item] = strawberry.field(description="The items alone.")
    page_info: PageInfo = strawberry.field(description="Where the page lies in the list.")


@strawberry.type(name="Connection", description="A page of a list whose length is known.")
class CountedConnection(Generic[Item]):
    """A page of a list whose length is known."""

    edges: list[Edge[Item]] = strawberry.field(description="The items with their cursors.")
    nodes: list[Item] = strawberry.field(description="The items alone.")
    page_info: PageInfo = strawberry.field(description="Where the page lies in the list.")
    total_count: int = strawberry.field(description="How many items the whole list has.")


def connection(page: Page[Any], show: Callable[[Any], Shown]) -> Connection[Shown]:
    """The page as a connection, each item shown."""
    nodes = [show(item) for item in page.items]
    return Connection(edges=_edges(page, nodes), nodes=nodes, page_info=_info(page))


def counted_connection(page: Page[Any], show: Callable[[Any], Shown], total: int) -> CountedConnection[Shown]:
    """The page as a connection that knows its length."""
    nodes = [show(item) for item in page.items]
    return CountedConnection(edges=_edges(page, nodes), nodes=nodes, page_info=_info(page), total_count=total)


def _edges(page: Page[Any], nodes: list[Shown]) -> list[Edge[Shown]]:
    return [Edge(cursor=cursor, node=node) for cursor, node in zip(page.cursors, nodes, strict=True)]


def _info(page: Page[Any]) -> PageInfo:
    return PageInfo(
        has_next_page=page.has_next,
        has_previous_page=page.has_previous,
        start_cursor=page.cursors[0] if page.cursors else None,
        end_cursor=page.cursors[-1] if page.cursors else None,
    )


Kind = TypeVar("Kind", bound=Enum)


def described(kind: type[Kind], name: str, description: str, values: Mapping[str, str]) -> type[Kind]:
    """Make an enum of the core part of the schema, with a description for the enum and for every value.

    Raises ValueError when a value has none.
    """
    shown = strawberry.enum(kind, name=name, description=description)
    definition: StrawberryEnumDefinition = shown.__strawberry_definition__  # type: ignore[attr-defined]
    missing = {value.name for value in definition.values} ^ set(values)
    if missing:
        raise ValueError(f"{name}: descriptions and values differ in {sorted(missing)}")
    for value in definition.values:
        value.description = values[value.name]
    return shown


def error_codes(name: str, codes: Mapping[str, str]) -> type[Enum]:
    """An enum of error codes; each description says when the code is returned."""
    made = Enum(name, {code: code for code in codes})  # type: ignore[misc]
    return described(made, name, f"Why a request of this domain was refused ({name}).", codes)
