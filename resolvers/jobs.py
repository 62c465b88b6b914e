"""What runs without being asked: the outbox, questions to the provider, and tidying of what has lapsed."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import timedelta

from resolvers.app import App
from resolvers.cards.lapse import post_lapsed
from resolvers.cards.tier_coupons import issue_owed
from resolvers.chat.desk.deliver import deliver
from resolvers.chat.incoming.answer import answer_late, take_up_left
from resolvers.chat.messages.send import send_message
from resolvers.coupons.lapse import expire_lapsed
from resolvers.coupons.remind import remind_of_lapsing
from resolvers.gifts.chat_card import update_chat_card
from resolvers.gifts.deliver import deliver_due
from resolvers.gifts.give_back import return_lapsed
from resolvers.incidents.retry import bury, task_key
from resolvers.live.model import KEPT
from resolvers.ordering.cancel import cancel_lapsed
from resolvers.outbox.model import Task, wait_before_try
from resolvers.payments.poll import close_by_id, poll_one, poll_one_refund
from resolvers.payments.refunds import send_refund
from resolvers.payments.shipping import upload_shipping
from resolvers.ports_payment import ProviderRefused

log = logging.getLogger("kabao.jobs")

LEASE = timedelta(seconds=30)  # longer than any call to a provider may take
OUTBOX_SECONDS = 0.2
POLL_SECONDS = 1.0
TIDY_SECONDS = 5.0
LOOPS = 3  # of each kind that calls a provider: one that does not answer must not hold up what waits for another

HANDLERS: dict[str, Callable[[App, Task], Awaitable[None]]] = {
    "refund": lambda app, task: send_refund(app, task.payload["refund_id"]),
    "return_pieces": lambda app, task: app.work_store.return_once(
        task.payload["counter_id"], task.payload["count"], task.id
    ),
    "shipping": lambda app, task: upload_shipping(app, task.payload["payment_id"]),
    "tier_coupon": lambda app, task: issue_owed(
        app, task.payload["payment_id"], task.payload["template_id"], task.payload["number"]
    ),
    "message": send_message,
    "gift_card": update_chat_card,
    "close_payment": lambda app, task: close_by_id(app, task.payload["payment_id"]),
    "service_message": lambda app, task: deliver(app, task.payload["message_id"]),
    "late_callback": lambda app, task: answer_late(app, task.payload["app_id"], dict(task.payload["fields"])),
}


async def run_outbox_once(app: App) -> bool:
    """Do one due task; False when none is due. A task that fails is tried again later."""
    task = await app.outbox.claim_due(app.clock.now(), LEASE)
    if task is None:
        return False
    try:
        await HANDLERS[task.kind](app, task)
    except Exception as error:
        log.warning("outbox task failed", extra={"task": task.kind, "tries": task.tries, "reason": repr(error)[:200]})
        # What the provider will not do it will not do tomorrow either: a person has to look at it.
        wait = None if isinstance(error, ProviderRefused) else wait_before_try(task.tries)
        if wait is None:
            await bury(app, task)
        await app.outbox.fail(task, app.clock.now(), repr(error), wait)
    else:
        await app.outbox.finish(task, app.clock.now())
        if task.revived or task.tries > 1:
            await app.incidents.resolve(task_key(task.id), app.clock.now())
    return True


async def poll_once(app: App) -> bool:
    """Ask the provider about one payment or refund that is due."""
    return await poll_one(app) or await poll_one_refund(app)


async def settle_reservations(app: App) -> bool:
    """Settle overdue reservations of scarce pieces."""
    await app.work.settle_reservations()
    return False


async def tidy_orders(app: App) -> bool:
    """Bring lapsed orders to the state that queries show already."""
    return bool(await cancel_lapsed(app))


async def tidy_gifts(app: App) -> bool:
    """Bring gifts that are due or have lapsed to the state that queries show already."""
    return bool(await deliver_due(app)) | bool(await return_lapsed(app))


async def tidy_cards(app: App) -> bool:
    """Post bonus that has lapsed; nobody could spend it since its moment."""
    return bool(await post_lapsed(app))


async def tidy_coupons(app: App) -> bool:
    """Bring lapsed coupons to the state that queries show already."""
    return bool(await expire_lapsed(app))


async def remind(app: App) -> bool:
    """Announce coupons that lapse soon."""
    return bool(await remind_of_lapsing(app))


async def tidy_events(app: App) -> bool:
    """Delete events that no cursor may ask for any more."""
    return bool(await app.live.delete_older(app.clock.now() - KEPT))


class Jobs:
    """The loops of one process. Any number of processes may run them: each piece of work is claimed by one."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin."""
        for name, step, seconds, loops in (
            ("outbox", run_outbox_once, OUTBOX_SECONDS, LOOPS),
            ("poll", poll_one, POLL_SECONDS, LOOPS),
            ("poll-refund", poll_one_refund, POLL_SECONDS, LOOPS),
            ("reservations", settle_reservations, TIDY_SECONDS, 1),
            ("orders", tidy_orders, TIDY_SECONDS, 1),
            ("gifts", tidy_gifts, TIDY_SECONDS, 1),
            ("cards", tidy_cards, TIDY_SECONDS, 1),
            ("coupons", tidy_coupons, TIDY_SECONDS, 1),
            ("reminders", remind, TIDY_SECONDS, 1),
            ("events", tidy_events, TIDY_SECONDS, 1),
            ("callbacks", take_up_left, TIDY_SECONDS, 1),
        ):
            for _ in range(loops):
                self._tasks.append(asyncio.create_task(self._loop(step, seconds), name=f"job-{name}"))

    async def stop(self) -> None:
        """End; what was under way is taken up again by whoever runs next."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _loop(self, step: Callable[[App], Awaitable[bool]], seconds: float) -> None:
        while True:
            busy = False
            try:
                busy = await step(self._app)
            except Exception as error:
                log.warning("job failed", extra={"job": step.__name__, "reason": repr(error)[:200]})
            await asyncio.sleep(0 if busy else seconds)
