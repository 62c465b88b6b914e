"""What a person has agreed to be told, as the mini-program reports it."""

from collections.abc import Sequence
from dataclasses import dataclass

from resolvers.app import App
from resolvers.chat.messages.model import (
    SCENE_OF,
    MessageEvent,
    MessageScene,
    MessageTemplate,
    UnknownTemplate,
    consent_key,
)
from resolvers.errors import BadInput, NotFound
from resolvers.mongo import Session
from resolvers.people.model import Identity, SignedIn
from resolvers.work.model import Call
from resolvers.work.run import Ids
from resolvers.work.unit import Work

MAXIMUM_CONSENTS = 100  # of one call; the chat apps ask for three at a time


@dataclass(frozen=True, slots=True)
class Agreed:
    """How many messages of a template may still be sent, and what it tells."""

    scene: MessageScene
    template_id: str
    events: tuple[MessageEvent, ...]
    remaining: int


async def record_consents(
    app: App, person: SignedIn, brand_id: str, consents: Sequence[tuple[str, bool]], key: str
) -> None:
    """Count what a person has just agreed to: (template id, accepted) as the chat app has told the mini-program.

    Each accepted one is one message. Raises UnknownTemplate, NotFound, BadInput, IdempotencyKeyReused.
    """
    if not 1 <= len(consents) <= MAXIMUM_CONSENTS:
        raise BadInput(f"consents must have 1 to {MAXIMUM_CONSENTS} members.")
    if len({template_id for template_id, _ in consents}) < len(consents):
        raise BadInput("consents must name each template once.")
    identity = await _identity(app, person)
    templates = await app.messages.templates_of(brand_id, person.platform, person.app_id)
    known = {each.template_id for each in templates}
    for number, (template_id, _) in enumerate(consents):
        if template_id not in known:
            raise UnknownTemplate(field=("input", "consents", str(number), "templateId"))
    accepted = [template_id for template_id, yes in consents if yes]

    async def steps(work: Work) -> Ids:
        for template_id in accepted:
            consent_id = consent_key(person.platform, person.app_id, identity.openid, template_id)
            await app.messages.grant(work.session, consent_id, work.now)
        events = [each.event for each in templates if each.template_id in accepted]
        owner = await app.people.customer_now(person.customer_id, work.session)
        if events and owner is not None:
            await app.messages.want(work.session, owner.id, events)
        return {}

    wanted = {"brand": brand_id, "consents": [list(each) for each in consents]}
    await app.work.run(Call("recordConsents", person.actor, key, wanted, (person.customer_id,)), steps)


async def consents_of(app: App, person: SignedIn, brand_id: str, session: Session | None = None) -> list[Agreed]:
    """What a person has agreed to in the app they are signed in with, for each of the brand's templates."""
    identity = await _identity(app, person, session)
    templates = await app.messages.templates_of(brand_id, person.platform, person.app_id, session)
    ids = {each.template_id: _key(identity, each) for each in templates}
    left = {each.id: each.remaining for each in await app.messages.consents([*ids.values()], session)}
    rows: dict[tuple[MessageScene, str], list[MessageEvent]] = {}
    for template in templates:
        rows.setdefault((SCENE_OF[template.event], template.template_id), []).append(template.event)
    return [
        Agreed(scene, template_id, tuple(events), left.get(ids[template_id], 0))
        for (scene, template_id), events in sorted(rows.items())
    ]


def _key(identity: Identity, template: MessageTemplate) -> str:
    return consent_key(identity.platform, identity.app_id, identity.openid, template.template_id)


async def _identity(app: App, person: SignedIn, session: Session | None = None) -> Identity:
    customer = await app.people.customer(person.customer_id, session)
    identity = customer.identity_for(person.platform, person.app_id) if customer else None
    if identity is None:
        raise NotFound
    return identity
