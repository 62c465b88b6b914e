"""Joining two accounts that are in use: how long it takes beside payers of both, on this process and on another."""

import asyncio
import statistics
import time

from gateway.wiring import wire
from scripts.client import new_key
from tests.joining.accounts import code_of, id_of, join_code, known, two_accounts, with_card
from tests.joining.busy import Payer, many_coupons
from tests.support.world import World, settings_of

ROUNDS = 5
COUPONS = 5_000
ENOUGH = 400_000  # fen on each card
BEFORE_SECONDS = 0.5  # for the payers to be in full swing


async def busy_accounts(world: World) -> list[str]:
    """Two payers from the card of each account, one of each on a second application: what meets, meets in MongoDB."""
    second = wire(settings_of(world.settings), world.clock)
    seconds: list[float] = []
    retried, paid = 0, 0
    for _ in range(ROUNDS):
        other, caller, number = await two_accounts(world)
        await many_coupons(world, await id_of(caller), COUPONS)
        people = [(other, "WECHAT"), (caller, "QQ")]
        payers = [
            Payer(app, world, await known(world, *person), await with_card(world, *person, ENOUGH))
            for person in people
            for app in (world.app, second.app)
        ]
        wanted = {"code": await code_of(world, caller, "QQ", number), "proof": await join_code(other)}
        running = [asyncio.create_task(payer.run()) for payer in payers]
        await asyncio.sleep(BEFORE_SECONDS)
        apps = (world.app, second.app)
        before, started = sum(app.connection.retries for app in apps), time.perf_counter()
        await caller.do("bindPhone", "mergedAccounts", **wanted, idempotencyKey=new_key())
        seconds.append(time.perf_counter() - started)
        retried += sum(app.connection.retries for app in apps) - before
        for payer in payers:
            payer.stopped = True
        await asyncio.gather(*running)
        paid += sum(len(payer.paid) for payer in payers)
    await second.close()
    return [
        f"a join of two accounts with {COUPONS:,} coupons while 4 pay: {statistics.median(seconds):.2f} s "
        f"(median of {ROUNDS}, longest {max(seconds):.2f} s), payments retried {retried / ROUNDS:.1f} times meanwhile, "
        f"{paid} orders paid around them"
    ]
