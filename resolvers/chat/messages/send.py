"""Sending a one-time message: at most once per event and person, whatever dies on the way.

The consent is taken and the message noted as being sent in one transaction, just before the platform is asked. Whoever
finds that note later cannot tell whether the platform was asked, and leaves it at that.
"""

from datetime import datetime

from resolvers.app import App
from resolvers.chat.messages.fields import fit
from resolvers.chat.messages.model import (
    OVER,
    Consent,
    Draft,
    MessageState,
    MessageTemplate,
    consent_key,
    newest_consent,
    template_key,
)
from resolvers.documents import Document, from_document
from resolvers.incidents.model import IncidentKind
from resolvers.mongo import Session
from resolvers.outbox.model import Task
from resolvers.people.model import Customer, Identity
from resolvers.ports import ConsentEnded, MessageRefused, NotDelivered, OutsideFault, PhoneMessage

NAMELESS = "好友"


async def send_message(app: App, task: Task) -> None:
    """Send what a task says. Raises NotDelivered when it certainly was not sent, and is worth another try later."""
    draft, refused = draft_of(task.payload), None
    while True:  # as often as the platform knows of no consent where we do, at most once in each app
        try:
            return await _try_to_send(app, draft, refused)
        except ConsentEnded as error:
            refused = str(error)


async def _try_to_send(app: App, draft: Draft, refused: str | None) -> None:
    """Raises NotDelivered, ConsentEnded: it was not sent in this app, and may be in another one."""
    now = app.clock.now()
    known = await app.messages.message(draft.id)
    if known is not None and known.state in OVER:
        return
    if known is not None and known.state is MessageState.SENDING:
        await app.messages.cut_off(draft.id)
        return
    if draft.until <= now:
        await app.messages.not_sent(draft, MessageState.LAPSED, now)
        return
    customer = await app.people.customer_now(draft.customer_id)
    found = await _way_to(app, customer, draft) if customer else None
    if customer is None or found is None:
        await app.messages.not_sent(draft, MessageState.NO_CONSENT, now, refused)
        await _forget_wish(app, draft)
        return
    identity, template, consent = found
    message = await _written(app, draft, template, identity)
    taken = await _begin(app, draft, consent, now)
    if taken is not None:
        await _send(app, draft, identity, message, taken)


async def _way_to(
    app: App, customer: Customer, draft: Draft, session: Session | None = None
) -> tuple[Identity, MessageTemplate, Consent] | None:
    """In which app the person may be told: one message, in the one where they agreed last."""
    places = {
        template_key(draft.brand_id, each.platform, each.app_id, draft.event): each for each in customer.identities
    }
    ways: dict[str, tuple[Identity, MessageTemplate]] = {}
    for template in await app.messages.templates([*places]):
        identity = places[template.id]
        key = consent_key(identity.platform, identity.app_id, identity.openid, template.template_id)
        ways[key] = (identity, template)
    consent = newest_consent(await app.messages.consents([*ways], session))
    return (*ways[consent.id], consent) if consent is not None else None


async def _begin(app: App, draft: Draft, consent: Consent, now: datetime) -> Consent | None:
    """Take the consent and note the sending; None when somebody else is at it. Raises NotDelivered: try again."""

    async def body(session: Session) -> Consent | None:
        taken = await app.messages.take_consent(session, consent.id)
        if taken is None:
            raise NotDelivered("the consent was taken for another message meanwhile")
        if not await app.messages.begin(session, draft, taken, now):
            raise _Begun
        return taken

    try:
        return await app.connection.transaction(body)
    except _Begun:
        return None


class _Begun(Exception):
    """Another worker sends this message, or has sent it."""


async def _send(app: App, draft: Draft, identity: Identity, message: PhoneMessage, taken: Consent) -> None:
    chat = app.platforms.get((identity.platform, identity.app_id))
    try:
        if chat is None:
            raise MessageRefused("no such app any more", ours=True)
        await chat.send_message(message)
    except NotDelivered:
        await _end(app, draft, taken, MessageState.WAITING, None, counted=False)
        raise
    except ConsentEnded as error:
        await _end(app, draft, taken, MessageState.WAITING, str(error), ended=True)
        raise
    except MessageRefused as error:
        await _end(app, draft, taken, MessageState.REFUSED, str(error), counted=False)
        if error.ours:
            await _report(app, draft, str(error))
    except OutsideFault:  # nobody can tell whether it went out
        await app.messages.cut_off(draft.id)
    else:
        await _end(app, draft, taken, MessageState.SENT, None)


async def _end(
    app: App,
    draft: Draft,
    taken: Consent,
    state: MessageState,
    reason: str | None,
    *,
    counted: bool = True,
    ended: bool = False,
) -> None:
    async def body(session: Session) -> None:
        if not await app.messages.end(draft.id, state, reason, session):
            return
        if ended:
            await app.messages.end_consents(session, taken.id, taken.granted)
        elif not counted:
            await app.messages.return_consent(session, taken.id, taken.granted)

    await app.connection.transaction(body)


async def _report(app: App, draft: Draft, reason: str) -> None:
    """A template that the platform does not take as we fill it waits for a person."""
    key = f"message:{draft.brand_id}:{draft.event.value}"
    summary = f"订阅消息 {draft.event.value} 被平台拒绝：{reason}"
    await app.incidents.open(IncidentKind.MESSAGE_REFUSED, key, summary, draft.brand_id, draft.id, app.clock.now())


async def _forget_wish(app: App, draft: Draft) -> None:
    """Nothing is left for this event: the next one need not leave a task."""

    async def body(session: Session) -> None:
        customer = await app.people.customer_now(draft.customer_id, session)
        if customer is None:
            return
        await app.messages.want_no_more(session, customer.id, draft.event)  # first: whoever agrees now waits for this
        if await _way_to(app, customer, draft, session) is not None:
            await app.messages.want(session, customer.id, [draft.event])

    await app.connection.transaction(body)


async def _written(app: App, draft: Draft, template: MessageTemplate, identity: Identity) -> PhoneMessage:
    """The message as the template shows it, every field within its limits."""
    brand = await app.brands.brand(draft.brand_id)
    person = await app.people.customer_now(draft.person_id) if draft.person_id else None
    values = {
        **draft.values,
        **draft.moments,
        "at": draft.at,
        "brand": brand.name if brand else "",
        "person": (person.nickname if person else None) or NAMELESS,
    }
    zone = brand.settings.zone if brand else "Asia/Shanghai"
    data = tuple((each.key, fit(each.kind, values.get(each.value), zone)) for each in template.fields)
    return PhoneMessage(identity.openid, template.template_id, template.page.replace("{id}", draft.subject_id), data)


def draft_of(payload: Document) -> Draft:
    """The draft of a task's payload."""
    return from_document(Draft, payload)
