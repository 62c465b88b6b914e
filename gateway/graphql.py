"""Running GraphQL operations: parsed and validated once per document, measured before validation, masked after."""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass, replace
from typing import Any

import strawberry
from graphql import (
    DocumentNode,
    ExecutionResult,
    FieldNode,
    GraphQLError,
    GraphQLSyntaxError,
    OperationDefinitionNode,
    OperationType,
    execute,
    get_operation_ast,
    parse,
    subscribe,
    validate,
)

from gateway.requests import OperationRefused, Request, bad_request
from resolvers.app import App
from resolvers.errors import NotSignedIn, RequestError
from resolvers.mongo import is_outage
from resolvers.people.model import Customer, SignedIn, Staff
from schema.context import Context, Loaders
from schema.limits import MAXIMUM_TOKENS, LimitExceeded, check_lists, check_operation
from schema.plain import PlainExecutor

log = logging.getLogger("kabao.graphql")

CACHED_DOCUMENTS = 500  # a front end has a few dozen; the rest is room for those who write queries by hand
OPERATION_SECONDS = 20.0
OPEN_FIELDS = frozenset({"signIn", "refreshSession", "signOut", "__typename"})  # work with a token that is no good
MAXIMUM_ERRORS = 20  # of one answer


@dataclass(frozen=True, slots=True)
class Operation:
    """An operation that may run."""

    document: DocumentNode
    node: OperationDefinitionNode
    request: Request

    @property
    def name(self) -> str | None:
        """Its name, for the logs."""
        return self.node.name.value[:80] if self.node.name else None

    @property
    def is_subscription(self) -> bool:
        """Whether it answers more than once."""
        return self.node.operation is OperationType.SUBSCRIPTION

    @property
    def is_mutation(self) -> bool:
        """Whether it may change something."""
        return self.node.operation is OperationType.MUTATION

    @property
    def is_open(self) -> bool:
        """Whether it runs although the token that came along is no good."""
        fields = self.node.selection_set.selections
        return all(isinstance(field, FieldNode) and field.name.value in OPEN_FIELDS for field in fields)


class Engine:
    """One endpoint's schema, ready to run operations."""

    def __init__(self, app: App, schema: strawberry.Schema) -> None:
        self._app = app
        self._schema = schema._schema
        self._documents: OrderedDict[str, DocumentNode | list[dict[str, Any]]] = OrderedDict()

    def prepare(self, request: Request) -> Operation:
        """Parse, measure and validate. Raises OperationRefused."""
        known = self._documents.get(request.query)
        if known is not None:
            self._documents.move_to_end(request.query)  # what is asked often stays, however much is asked once
        if isinstance(known, list):
            raise OperationRefused(known)
        document = known or self._parse(request.query)
        node = get_operation_ast(document, request.operation_name)
        if node is None:
            raise OperationRefused([bad_request("operationName must name one of the document's operations.")])
        try:
            check_lists(request.variables)
            check_operation(self._schema, document, node, request.variables)
        except (LimitExceeded, RecursionError) as error:
            limit = str(error) if isinstance(error, LimitExceeded) else "depth"
            raise OperationRefused([bad_request(f"The operation is too large ({limit}).")]) from error
        if known is None:
            self._validate(request.query, document)
        return Operation(document, node, request)

    def _parse(self, query: str) -> DocumentNode:
        try:
            return parse(query, max_tokens=MAXIMUM_TOKENS)
        except GraphQLSyntaxError as error:
            raise OperationRefused([_client_error(error)]) from error
        except (GraphQLError, RecursionError) as error:
            raise OperationRefused([bad_request("The document is nested too deeply or too long.")]) from error

    def _validate(self, query: str, document: DocumentNode) -> None:
        try:
            found = validate(self._schema, document, max_errors=MAXIMUM_ERRORS, hide_suggestions=True)
            errors = [_client_error(error) for error in found]
        except RecursionError:
            errors = [bad_request("The document is nested too deeply.")]
        self._documents[query] = errors or document
        if len(self._documents) > CACHED_DOCUMENTS:
            self._documents.popitem(last=False)
        if errors:
            raise OperationRefused(errors)

    async def run(self, operation: Operation, actor: SignedIn | Staff | None, request_id: str) -> dict[str, Any]:
        """Run a query or mutation; answers `{data, errors}` with every unexpected error masked."""
        try:
            async with asyncio.timeout(OPERATION_SECONDS), self._context(operation, actor, request_id) as context:
                found: Any = execute(**self._arguments(operation, context))
                result: ExecutionResult = found if isinstance(found, ExecutionResult) else await found
        except Exception as error:
            return {"data": None, "errors": [self.masked(error, request_id)]}
        return self.answer(result, request_id)

    def _arguments(self, operation: Operation, context: Context) -> dict[str, Any]:
        """What graphql-core is told, whether it executes or subscribes."""
        return {
            "schema": self._schema,
            "document": operation.document,
            "context_value": context,
            "variable_values": operation.request.variables,
            "operation_name": operation.request.operation_name,
            "executor_class": PlainExecutor,
            "hide_suggestions": True,
        }

    def answer(self, result: ExecutionResult, request_id: str) -> dict[str, Any]:
        """The answer of a result."""
        if not result.errors:
            return {"data": result.data}
        errors = [self.format(error, request_id) for error in result.errors[:MAXIMUM_ERRORS]]
        # Variables that do not fit are found while executing, before any field runs: then there is no data at all.
        if result.data is None and not any(error.path for error in result.errors):
            raise OperationRefused(errors)
        return {"data": result.data, "errors": errors}

    async def stream(
        self, operation: Operation, actor: SignedIn | Staff | None, request_id: str
    ) -> AsyncIterator[dict[str, Any]]:
        """Run a subscription. Raises OperationRefused when it ends by an error."""
        try:
            actor, _ = await self._as_now(actor, None)
            context = Context(self._app, actor, self._loaders(actor, None, cache=False), request_id)
            found: Any = subscribe(**self._arguments(operation, context))
            started = found if isinstance(found, ExecutionResult) or hasattr(found, "__anext__") else await found
            if isinstance(started, ExecutionResult):
                raise OperationRefused([self.format(each, request_id) for each in started.errors or []])
            try:
                async for result in started:
                    yield self.answer(result, request_id)
            finally:
                await started.aclose()
        except OperationRefused:
            raise
        except Exception as error:
            raise OperationRefused([self.masked(error, request_id)]) from error

    @asynccontextmanager
    async def _context(
        self, operation: Operation, actor: SignedIn | Staff | None, request_id: str
    ) -> AsyncIterator[Context]:
        """The context of a request.

        A signed-in query reads its customer before anything else, in a causally consistent session: what the wallet's
        cursor promises is then at least as old as all that is read after it.
        """
        reads_wallet = isinstance(actor, SignedIn) and not operation.is_mutation
        async with self._app.connection.session() if reads_wallet else nullcontext() as session:
            customer = None
            if not operation.is_open:
                actor, customer = await self._as_now(actor, session)
            loaders = self._loaders(actor, session, cache=not operation.is_mutation)
            if customer is not None and not operation.is_mutation:
                loaders.customer.prime(customer.id, customer)
            yield Context(self._app, actor, loaders, request_id)

    async def _as_now(
        self, actor: SignedIn | Staff | None, session: Any
    ) -> tuple[SignedIn | Staff | None, Customer | None]:
        """A customer as they are by now, with the accounts that were joined into theirs; staff and visitors as given.

        A token says who somebody was when it was made: the account may have gone into another one since, as which they
        go on. Raises NotSignedIn when the customer is not there, or was blocked meanwhile.
        """
        if not isinstance(actor, SignedIn):
            return actor, None
        customer = await self._app.people.customer_now(actor.customer_id, session)
        if customer is None or customer.blocked:
            raise NotSignedIn("This account cannot be used.")
        if customer.ids != actor.ids:
            actor = replace(actor, customer_id=customer.id, also=customer.also)
        return actor, customer

    def _loaders(self, actor: SignedIn | Staff | None, session: Any, *, cache: bool) -> Loaders:
        viewer_ids = actor.ids if isinstance(actor, SignedIn) else ()
        return Loaders(self._app, viewer_ids, session, cache=cache)

    def masked(self, error: Exception, request_id: str) -> dict[str, Any]:
        """The error for the client when something was raised outside of any field."""
        return self.format(GraphQLError("", original_error=error), request_id)

    def format(self, error: GraphQLError, request_id: str) -> dict[str, Any]:
        """An error for the client: expected ones as they are, all others masked and logged under the request id."""
        original = error.original_error
        while isinstance(original, GraphQLError) and original.original_error is not None:
            original = original.original_error
        place: dict[str, Any] = {}
        if error.path:
            place["path"] = list(error.path)
        if error.locations:
            place["locations"] = [{"line": each.line, "column": each.column} for each in error.locations]
        if isinstance(original, RequestError):
            extensions: dict[str, Any] = {"code": original.code}
            if original.retry_at is not None:
                extensions["retryAt"] = original.retry_at.isoformat()
            return {"message": original.text, **place, "extensions": extensions}
        if original is None or isinstance(original, GraphQLError):
            return {"message": error.message, **place, "extensions": {"code": "BAD_USER_INPUT"}}
        if isinstance(original, TimeoutError) or is_outage(original):
            log.warning("not now", extra={"request_id": request_id, "reason": type(original).__name__})
            message = "Busy, please send the same request again."
            return {"message": message, **place, "extensions": {"code": "TRY_AGAIN"}}
        log.error("unexpected error", extra={"request_id": request_id}, exc_info=original)
        extensions = {"code": "INTERNAL", "requestId": request_id}
        return {"message": "Something went wrong on our side.", **place, "extensions": extensions}


def _client_error(error: GraphQLError) -> dict[str, Any]:
    formatted: Mapping[str, Any] = error.formatted
    return {**formatted, "extensions": {"code": "BAD_USER_INPUT"}}
