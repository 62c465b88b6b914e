"""Prints both schemas into schema/*.graphql and the error codes into README.md; a test compares them with what runs."""

from pathlib import Path

from graphql import GraphQLEnumType

from schema.console.schema import console_schema
from schema.customer.schema import customer_schema

ROOT = Path(__file__).parents[1]
BEGIN, END = "<!-- error codes: begin, written by scripts/print_schema -->", "<!-- error codes: end -->"
SCHEMAS = (("customer", customer_schema), ("console", console_schema))


def error_codes() -> str:
    """Every error code of both endpoints as Markdown, from the schemas' own descriptions."""
    lines = []
    for endpoint, schema in SCHEMAS:
        for name, kind in sorted(schema._schema.type_map.items()):
            if isinstance(kind, GraphQLEnumType) and name.endswith("ErrorCode"):
                lines += ["", f"**{name}** ({endpoint} endpoint)", "", "| code | |", "|---|---|"]
                lines += [f"| `{code}` | {value.description} |" for code, value in kind.values.items()]
    return "\n".join(lines).strip()


def readme_with_codes(readme: str) -> str:
    """The README with the error codes as they are now."""
    before, _, rest = readme.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{error_codes()}\n{END}{after}"


def main() -> None:
    """Write all three files."""
    for name, schema in SCHEMAS:
        (ROOT / "schema" / f"{name}.graphql").write_text(schema.as_str() + "\n", "utf-8")
    readme = ROOT / "README.md"
    readme.write_text(readme_with_codes(readme.read_text("utf-8")), "utf-8")


if __name__ == "__main__":
    main()
