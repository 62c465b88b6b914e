"""Private messages: the ticket of whoever opened one, and whether it is of this gift."""

from dataclasses import dataclass

from resolvers.app import App
from resolvers.errors import PlatformUnavailable
from resolvers.gifts.model import Gift, NotTheRecipient
from resolvers.gifts.present import identity_of
from resolvers.people.model import SignedIn
from resolvers.ports import NotOffered, TicketRefused

MAXIMUM_TICKET = 2_000  # characters of either part; a real one has about 250


@dataclass(frozen=True, slots=True)
class Ticket:
    """What the chat app gave the front end for whoever opened a private message: sealed with their session key."""

    encrypted_data: str
    iv: str


async def check_ticket(app: App, person: SignedIn, gift: Gift, ticket: Ticket | None) -> None:
    """That a private gift was sent to this person. Raises NotTheRecipient."""
    if gift.activity_id is None:
        return
    field = ("input", "privateMessage")
    sealed = await _session_key(app, person)
    if ticket is None or sealed is None:
        raise NotTheRecipient(field=field)
    try:
        platform = app.platforms[person.platform, person.app_id]
        opened = platform.opened_activity(sealed, ticket.encrypted_data, ticket.iv)
    except (TicketRefused, NotOffered) as error:
        raise NotTheRecipient(field=field) from error
    if opened != gift.activity_id:
        raise NotTheRecipient(field=field)


async def _session_key(app: App, person: SignedIn) -> str | None:
    try:
        identity = await identity_of(app, person)
    except PlatformUnavailable:
        return None
    sealed = await app.people.session_key(identity)
    return app.vault.unseal(sealed, f"session_key:{identity.openid}") if sealed else None
