"""Nobody waits for the outside while a transaction is open: every call checks it, so every test proves it."""

import pytest

from gateway.outgoing import Outgoing, WaitingInTransaction
from resolvers.mongo import Session, in_transaction
from tests.support.world import World


async def test_a_call_to_the_outside_in_a_transaction_is_a_bug_and_is_not_made(world: World) -> None:
    outgoing = Outgoing()

    async def body(session: Session) -> None:
        await outgoing.call("GET", f"{world.simulator}/_control/payments")

    with pytest.raises(WaitingInTransaction):
        await world.app.connection.transaction(body)
    assert not in_transaction()
    assert (await outgoing.call("GET", f"{world.simulator}/_control/payments")).status == 200
    await outgoing.close()
