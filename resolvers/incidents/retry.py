"""What staff see and do about incidents."""

import contextlib
from collections.abc import Awaitable, Callable

from resolvers.app import App
from resolvers.errors import Forbidden, NotFound
from resolvers.incidents.model import Incident, IncidentKind
from resolvers.outbox.model import Task
from resolvers.paging import Page, PageRequest
from resolvers.payments.poll import ask
from resolvers.payments.refunds import retry_abnormal
from resolvers.payments.settle import NoticeRefused
from resolvers.people.model import Role, Staff
from resolvers.ports import OutsideFault
from resolvers.reconciliation.run import reconcile_again
from resolvers.work.model import Actor, ActorKind, Call
from resolvers.work.run import Ids
from resolvers.work.unit import Work


async def incidents_of(app: App, staff: Staff, request: PageRequest, *, open: bool) -> Page[Incident]:
    """A page of the brand's incidents, newest first; an owner also sees those that no brand can be named for.

    Raises Forbidden for a cashier.
    """
    if staff.role is Role.CASHIER:
        raise Forbidden("Managers only.")
    return await app.incidents.page(_seen_by(staff), request, open=open)


async def retry_incident(app: App, staff: Staff, incident_id: str) -> Incident:
    """Try again what an incident is about; a resolved one is answered as it is. Raises NotFound, NotAllowed.

    What comes of it shows in `resolved_at`, now or a little later: most is done by a worker.
    """
    incident = await app.incidents.incident(incident_id)
    if incident is None or incident.brand_id not in _seen_by(staff):
        raise NotFound("没有这条待办", field=("input", "incidentId"))
    staff.require(Role.MANAGER)
    if incident.resolved_at is not None:
        return incident

    async def steps(work: Work) -> Ids:
        work.record_staff_action("retryIncident", incident_id, memo=incident.kind.value)
        return {}

    await app.work.run(Call("retryIncident", Actor(ActorKind.STAFF, staff.id)), steps)
    with contextlib.suppress(OutsideFault, NoticeRefused):  # still as it was: it stays open
        await RETRIES[incident.kind](app, incident)
    return await app.incidents.incident(incident_id) or incident


async def bury(app: App, task: Task) -> None:
    """Open an incident for a task that was tried to the end."""
    payment_id: str | None = task.payload.get("payment_id")
    refund = await app.payments.refund(task.payload.get("refund_id", ""))
    payment = await app.payments.payment(refund.payment_id if refund else payment_id or "")
    brand_id = payment.brand_id if payment else None
    summary = f"任务 {_TASKS.get(task.kind, task.kind)} 多次尝试未成功：{task.id}"
    now = app.clock.now()
    await app.incidents.open(IncidentKind.DEAD_LETTER, task_key(task.id), summary, brand_id, task.id, now)


def task_key(task_id: str) -> str:
    """The key of the incident about a task that was tried to the end."""
    return f"task:{task_id}"


async def retry_refund(app: App, incident: Incident) -> None:
    """See whether the refund went through, else ask the provider again under the same number."""
    await retry_abnormal(app, incident.subject_id or "")


async def retry_task(app: App, incident: Incident) -> None:
    """Set a dead task going again; the worker resolves the incident once it is done."""
    await app.outbox.revive(incident.subject_id or "", app.clock.now())


async def retry_coupon(app: App, incident: Incident) -> None:
    """Set the issuing of an owed coupon going again."""
    await app.outbox.revive(incident.key.replace("coupon:", "tier_coupon:", 1), app.clock.now())


async def retry_difference(app: App, incident: Incident) -> None:
    """Compare the day of the difference again; one that is gone resolves its incident."""
    await reconcile_again(app, incident.subject_id or "")


async def retry_message(app: App, incident: Incident) -> None:
    """A person says that the template is right now; if the next message is refused, it opens again."""
    await app.incidents.resolve(incident.key, app.clock.now())


async def retry_payment(app: App, incident: Incident) -> None:
    """Ask the provider about the payment again; if it now says what we asked for, it is settled."""
    payment = await app.payments.payment(incident.subject_id or "")
    if payment is not None:
        await ask(app, payment)


RETRIES: dict[IncidentKind, Callable[[App, Incident], Awaitable[None]]] = {
    IncidentKind.ABNORMAL_REFUND: retry_refund,
    IncidentKind.DEAD_LETTER: retry_task,
    IncidentKind.COUPON_OWED: retry_coupon,
    IncidentKind.PAYMENT_MISMATCH: retry_payment,
    IncidentKind.MESSAGE_REFUSED: retry_message,
    IncidentKind.RECONCILIATION: retry_difference,
}

_TASKS = {
    "refund": "退款",
    "shipping": "发货信息录入",
    "close_payment": "关闭支付",
    "tier_coupon": "充值赠券",
    "service_message": "客服消息",
    "late_callback": "消息处理",
}


def _seen_by(staff: Staff) -> list[str | None]:
    return [staff.brand_id, None] if staff.role is Role.OWNER else [staff.brand_id]
