"""Scalars that both endpoints share, and Money."""

import base64
import datetime as dt
from collections.abc import Mapping
from enum import Enum
from typing import Any, NewType

import strawberry
from graphql import GraphQLError, IntValueNode, ValueNode
from strawberry.types.scalar import ScalarDefinition

from resolvers.errors import BadInput
from resolvers.money import MAXIMUM_FEN, display

Fen = NewType("Fen", int)
DateTime = dt.datetime

_LATEST = dt.datetime(9000, 1, 1, tzinfo=dt.UTC)  # beyond, shifting a time into a zone overflows
_EARLIEST = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


def _parse_fen(value: Any) -> int:
    if type(value) is not int or abs(value) > MAXIMUM_FEN:
        raise GraphQLError("Fen is a whole number of at most 2^53-1, without decimals or quotes.")
    return value


def _parse_fen_literal(node: ValueNode, variables: Mapping[str, Any] | None = None) -> int:
    if not isinstance(node, IntValueNode):
        raise GraphQLError("Fen is a whole number of at most 2^53-1, without decimals or quotes.")
    return _parse_fen(int(node.value[:20]))


def _parse_time(value: Any) -> dt.datetime:
    """An ISO 8601 time with an offset; one without an offset would mean another moment on every machine."""
    try:
        if type(value) is not str or len(value) > 40:
            raise ValueError
        moment = dt.datetime.fromisoformat(value)
        if moment.tzinfo is None or not _EARLIEST <= moment <= _LATEST:
            raise ValueError
    except (ValueError, OverflowError) as error:
        raise GraphQLError("DateTime is ISO 8601 with an offset, such as 2026-01-31T18:00:00+08:00.") from error
    return moment.astimezone(dt.UTC)


def _show_time(value: dt.datetime) -> str:
    return value.astimezone(dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


SCALARS: dict[object, ScalarDefinition] = {
    Fen: strawberry.scalar(
        name="Fen",
        description="A whole number of fen (1/100 yuan), as a JSON integer; at most 2^53-1 in absolute value.",
        serialize=int,
        parse_value=_parse_fen,
        parse_literal=_parse_fen_literal,
    ),
    dt.datetime: strawberry.scalar(
        name="DateTime",
        description="A moment in ISO 8601 with an offset; the server answers UTC.",
        serialize=_show_time,
        parse_value=_parse_time,
    ),
}


@strawberry.enum(description="The currency of an amount.")
class Currency(Enum):
    """The currency of an amount."""

    CNY = strawberry.enum_value("CNY", description="Renminbi.")


@strawberry.type(description="An amount of money.")
class Money:
    """An amount of money."""

    amount_fen: Fen = strawberry.field(description="The amount in fen.")
    currency: Currency = strawberry.field(description="Always CNY.", default=Currency.CNY)
    display: str = strawberry.field(description='The amount as a diner reads it: "¥38.00".')


def money(amount_fen: int) -> Money:
    """Money of so many fen."""
    return Money(amount_fen=Fen(amount_fen), display=display(amount_fen))


def optional_money(amount_fen: int | None) -> Money | None:
    """Money, or null."""
    return None if amount_fen is None else money(amount_fen)


def check_length(name: str, value: str, most: int) -> str:
    """The text, if it is not longer than it may be. Raises BadInput."""
    if len(value) > most:
        raise BadInput(f"{name} must have at most {most} characters.")
    return value


__all__ = ["SCALARS", "Currency", "DateTime", "Fen", "Money", "check_length", "money", "optional_money"]


def in_base64(content: bytes) -> str:
    """Bytes as JSON carries them."""
    return base64.b64encode(content).decode()
