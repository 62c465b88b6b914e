"""Every refusal that a verb can raise is a member of its mutation's error enum, else a client would see INTERNAL."""

import pytest
import strawberry
from graphql import GraphQLEnumType, GraphQLNonNull, GraphQLUnionType
from strawberry.utils.str_converters import to_camel_case

from resolvers.errors import LimitReached, NotFound, Refused
from schema.console import chat_mutation
from schema.console import mutation as console_mutation
from schema.console import query as console_query
from schema.console.schema import console_schema
from schema.customer import mutation, query
from schema.customer.schema import customer_schema
from tests.architecture.refusals import Code, all_refusals, core_code, verbs_of

CODE = core_code()
QUERIES = (query.Query, console_query.Query)
CASES = [
    (schema, root, method)
    for schema, root in (
        (customer_schema, mutation.Mutation),
        (console_schema, console_mutation.Mutation),
        (console_schema, chat_mutation.ChatMutation),
        (console_schema, console_query.Query),
        (customer_schema, query.Query),
    )
    for method in verbs_of(root)
    if root not in QUERIES or method in ("quote_order", "preview_code")
]


def _codes_of(schema: strawberry.Schema, root: type, method: str) -> set[str]:
    kind = schema._schema.query_type if root in QUERIES else schema._schema.mutation_type
    assert kind is not None
    answer = kind.fields[to_camel_case(method)].type
    assert isinstance(answer, GraphQLNonNull)
    assert isinstance(answer.of_type, GraphQLUnionType)
    error = next(member for member in answer.of_type.types if member.name.endswith("Error"))
    codes = error.fields["code"].type.of_type
    assert isinstance(codes, GraphQLEnumType)
    return set(codes.values)


@pytest.mark.parametrize(
    ("schema", "root", "method"), CASES, ids=[f"{root.__module__}.{name}" for _, root, name in CASES]
)
def test_every_refusal_of_a_verb_has_a_code_in_its_enum(schema: strawberry.Schema, root: type, method: str) -> None:
    verbs = verbs_of(root)[method]
    assert verbs, "calls no verb"
    refusals = set().union(*(CODE.raised_by(*verb) for verb in verbs))
    codes = {all_refusals()[name].code for name in refusals}
    assert codes <= _codes_of(schema, root, method)


@pytest.mark.parametrize(
    ("method", "code"),
    [("claim_coupon", "SOLD_OUT"), ("claim_gift", "WITHDRAWN"), ("pay_order", "INSUFFICIENT_BALANCE")],
)
def test_the_reading_of_the_code_finds_what_is_raised_deep_inside(method: str, code: str) -> None:
    refusals = set().union(*(CODE.raised_by(*verb) for verb in verbs_of(mutation.Mutation)[method]))
    assert code in {all_refusals()[name].code for name in refusals}


def test_a_refusal_that_is_caught_does_not_count_and_one_behind_a_call_does() -> None:
    source = """
class Box:
    def open(self):
        raise Locked

def caught(box):
    try:
        box.open()
    except Locked:
        raise Broken

def caught_by_its_base(box):
    try:
        box.open()
    except Refused:
        return None

def looked_at(box):
    try:
        box.open()
    except Locked:
        raise

def let_through(box):
    def inner():
        return helper(box)
    return inner()

def helper(box):
    box.open()
"""
    code = Code({"example": source}, {"Locked": LimitReached, "Broken": NotFound, "Refused": Refused})
    assert code.raised_by("example", "caught") == {"Broken"}
    assert code.raised_by("example", "caught_by_its_base") == set()
    assert code.raised_by("example", "looked_at") == {"Locked"}
    assert code.raised_by("example", "let_through") == {"Locked"}
