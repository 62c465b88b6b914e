"""A client that does not give up: the same request under the same key, until it is answered."""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Sequence
from typing import Any

import aiohttp

from scripts.client import Api, GraphQLFailed, Json, new_key
from scripts.tortures.log import Log, Operation

ANSWER_SECONDS = 15.0  # then the answer counts as lost; longer than a fail-over takes
HANGS_UP, HANGS_UP_SECONDS = (
    0.05,
    0.5,
)  # in so many tries nobody waits longer than so, at most; then the next one starts
PATIENCE_SECONDS = 180.0  # of one operation, over all tries
AGAIN_SECONDS = (0.05, 0.5)  # between two tries, at least and at most

_LOST = (aiohttp.ClientError, TimeoutError, OSError)


class NoAnswer(Exception):
    """Why a try brought no answer; the same request may simply be sent again."""


class Caller:
    """Sends requests again and again, and counts why."""

    def __init__(self, log: Log, gateways: Sequence[str] = ()) -> None:
        self.log = log
        self._gateways = gateways
        self.lost = Counter[str]()
        self.internal: list[str] = []  # answers that call themselves a bug of ours

    async def ask(self, api: Api, query: str, **variables: Any) -> Json:
        """The data of a query. Raises GraphQLFailed for what is malformed, TimeoutError when patience is over."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                try:
                    return await self._once(api, query, variables)
                except NoAnswer as reason:
                    self.lost[str(reason)] += 1
                await asyncio.sleep(random.uniform(*AGAIN_SECONDS))

    async def do(
        self, api: Api, customer_id: str, verb: str, wanted: str, *, keyed: bool = True, **fields: Any
    ) -> Operation:
        """A mutation for a customer, noted in the log, repeated until it is answered or patience is over."""
        key = new_key() if keyed else None
        operation = self.log.begin(customer_id, verb, key, fields)
        kind = verb[0].upper() + verb[1:]
        query = f"""mutation {kind}($input: {kind}Input!) {{ answer: {verb}(input: $input) {{ __typename
            ... on {kind}Success {{ {wanted} }} ... on UserError {{ codeName message }} }} }}"""
        variables = {"input": fields if key is None else {**fields, "idempotencyKey": key}}
        until = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < until:
            operation.tries += 1
            try:
                answer = (await self._once(api, query, variables))["answer"]
            except NoAnswer as reason:
                self.lost[str(reason)] += 1
                await asyncio.sleep(random.uniform(*AGAIN_SECONDS))
                continue
            operation.answered_at = time.monotonic()
            if answer["__typename"] == f"{kind}Success":
                operation.answer = answer
            else:
                operation.refusal = answer["codeName"]
            break
        return operation

    async def _once(self, api: Api, query: str, variables: Json) -> Json:
        if len(self._gateways) > 1:  # each try goes to any of them, as a load balancer has it
            path = api.url.removeprefix(self._gateways[0])
            api = Api(api.http, random.choice(self._gateways) + path, api.token)
        hangs_up = random.random() < HANGS_UP
        try:
            async with asyncio.timeout(random.uniform(0, HANGS_UP_SECONDS) if hangs_up else ANSWER_SECONDS):
                status, answer = await api.post(query, variables)
        except TimeoutError:
            raise NoAnswer("hung up" if hangs_up else "no answer in time") from None
        except _LOST:
            raise NoAnswer("connection lost") from None
        except ValueError:
            raise NoAnswer("no JSON") from None
        errors = answer.get("errors") if isinstance(answer, dict) else None
        if errors:
            failed = GraphQLFailed(errors)
            if failed.code == "TRY_AGAIN":
                raise NoAnswer("TRY_AGAIN")
            if failed.code == "INTERNAL":
                self.internal.append(f"{query.split('(')[0]}: {errors[0]}")
                raise NoAnswer("INTERNAL")
            raise failed
        if status >= 500 or not isinstance(answer, dict) or answer.get("data") is None:
            raise NoAnswer(f"status {status}")
        data: Json = answer["data"]
        return data
