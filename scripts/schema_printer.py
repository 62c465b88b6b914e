"""Prints both schemas into schema/*.graphql, where a test compares them with what runs."""

from pathlib import Path

from schema.console.schema import console_schema
from schema.customer.schema import customer_schema

FOLDER = Path(__file__).parents[1] / "schema"


def main() -> None:
    """Write both files."""
    for name, schema in (("customer", customer_schema), ("console", console_schema)):
        (FOLDER / f"{name}.graphql").write_text(schema.as_str() + "\n", "utf-8")


if __name__ == "__main__":
    main()
