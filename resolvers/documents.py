"""Between a model object and its document: every document is checked against the model's types when it is read.

A model is a dataclass whose `id` is the document's `_id`. Enums become their values, tuples become lists, times stay
times.
"""

from datetime import datetime
from typing import Any, TypeVar

import msgspec

Document = dict[str, Any]
Model = TypeVar("Model")


def to_document(model: Any) -> Document:
    """The document of a model object."""
    document: Document = msgspec.to_builtins(model, builtin_types=(datetime,))
    if "id" in document:
        document["_id"] = document.pop("id")
    return document


def from_document(kind: type[Model], document: Document) -> Model:
    """The model object of a document. Raises msgspec.ValidationError when the document is not of that shape."""
    if "_id" in document:
        document = {**document, "id": document["_id"]}
    return msgspec.convert(document, kind, builtin_types=(datetime,))
