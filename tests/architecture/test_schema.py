"""The printed schemas are the ones that run, and keep the conventions; each convention catches its breach."""

from pathlib import Path

import pytest
import strawberry
from graphql import GraphQLSchema, build_schema

from schema.console.schema import console_schema
from schema.customer.schema import customer_schema
from scripts.schema_printer import readme_with_codes
from tests.architecture.conventions import broken_conventions, long_mutations

ROOT = Path(__file__).parents[2]
SCHEMAS = {"customer": customer_schema, "console": console_schema}


@pytest.mark.parametrize("name", SCHEMAS)
def test_the_printed_schema_is_the_one_that_runs(name: str) -> None:
    printed = (ROOT / "schema" / f"{name}.graphql").read_text("utf-8")
    assert printed == SCHEMAS[name].as_str() + "\n", "run scripts/print_schema and look at what changed"


def test_the_readme_names_the_error_codes_that_exist() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    assert readme == readme_with_codes(readme), "run scripts/print_schema"
    assert "| `SOLD_OUT` | Returned when all pieces are taken. |" in readme


def test_a_schema_that_drifts_is_noticed() -> None:
    @strawberry.type
    class Query:
        more: str

    printed = (ROOT / "schema" / "customer.graphql").read_text("utf-8")
    assert printed != strawberry.Schema(Query).as_str() + "\n"


@pytest.mark.parametrize("name", SCHEMAS)
def test_the_schema_keeps_the_conventions(name: str) -> None:
    assert broken_conventions(SCHEMAS[name]._schema) == []


_GOOD = """
"A scalar." scalar DateTime
"An error." interface UserError { "Code." codeName: String! }
"Codes." enum OrderErrorCode { "Returned when absent." NOT_FOUND }
"An error." type OrderError implements UserError { "Code." codeName: String! "Code." code: OrderErrorCode! }
"Input." input PayOrderInput { "Id." id: ID! }
"Success." type PayOrderSuccess { "Done." done: Boolean! }
"Result." union PayOrderResult = PayOrderSuccess | OrderError
"Root." type Query { "Numbers." numbers: [Int!]! }
"Root." type Mutation { "Pay." payOrder("In." input: PayOrderInput!): PayOrderResult! }
"""


def _built(good: str, broken: str) -> GraphQLSchema:
    assert good in _GOOD
    return build_schema(_GOOD.replace(good, broken))


def test_a_schema_that_keeps_them_passes() -> None:
    assert broken_conventions(build_schema(_GOOD)) == []


@pytest.mark.parametrize(
    ("good", "broken", "complaint"),
    [
        ('"Success." type', "type", "PayOrderSuccess has no description"),
        ('"Done." done', "done", "PayOrderSuccess.done has no description"),
        ('("In." input', "(input", "Mutation.payOrder(input) has no description"),
        ('{ "Id." id: ID! }', "{ id: ID! }", "PayOrderInput.id has no description"),
        ('"Returned when absent."', '"Absent."', "OrderErrorCode.NOT_FOUND does not say when it is returned"),
        ("[Int!]!", "[Int]!", "Query.numbers is a list of nullable items"),
        ("[Int!]!", "[Int!]", "Query.numbers is a nullable list"),
        ("OrderError implements UserError", "OrderError", "OrderError is no UserError"),
        ("PayOrderSuccess | OrderError", "PayOrderSuccess", "payOrder does not answer PayOrderSuccess or a domain"),
        ("payOrder(", "settleOrder(", "settleOrder does not take one input: SettleOrderInput!"),
        ("): PayOrderResult!", "): PayOrderSuccess!", "payOrder does not answer PayOrderResult!"),
    ],
)
def test_a_breach_of_a_convention_is_named(good: str, broken: str, complaint: str) -> None:
    assert any(each.startswith(complaint) for each in broken_conventions(_built(good, broken)))


@pytest.mark.parametrize(
    "path", ["schema/customer/mutation.py", "schema/console/mutation.py", "schema/console/chat_mutation.py"]
)
def test_mutations_are_short(path: str) -> None:
    assert long_mutations((ROOT / path).read_text("utf-8")) == []


def test_a_long_mutation_and_one_that_catches_are_named() -> None:
    body = "\n".join(f"    a = {number}" for number in range(9))
    source = f"@strawberry.mutation()\nasync def pay(self):\n{body}\n"
    assert long_mutations(source) == ["pay has 9 lines"]
    source = (
        "@strawberry.mutation()\nasync def pay(self):\n    try:\n        f()\n    except Exception:\n        pass\n"
    )
    assert long_mutations(source) == ["pay catches exceptions"]
