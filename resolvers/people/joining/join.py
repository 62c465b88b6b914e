"""Joining: two accounts become one, in the caller's transaction."""

from resolvers.app import App
from resolvers.chat.desk.join import join_conversations
from resolvers.documents import to_document
from resolvers.live.model import EventKind, PendingEvent
from resolvers.people.joining.merge_members import merge_members
from resolvers.people.joining.model import Joined
from resolvers.people.model import Customer
from resolvers.work.unit import Work


async def contend(app: App, work: Work, one: Customer, other: Customer) -> None:
    """Write what both accounts' payers write, before anything is read: they start over, and the join does not starve.

    Four payers it would get past either way, for it is short (`scripts/bench`); with more it is not left to luck.
    """
    await app.joining.touch(work.session, (one.id, other.id))
    await app.cards.touch(work.session, (*one.ids, *other.ids))


async def join_accounts(app: App, work: Work, survivor: Customer, absorbed: Customer) -> None:
    """Make one customer of two. History is not rewritten: things keep the customer id they have (`SignedIn.owns`).

    The survivor gets the identities, so that the next sign-in leads to it by either app; nickname and picture of the
    other where it has none; its own pay password, with the stricter lock and the later wait of both, or the other's
    where it has none. Memberships become its own, merged where both have one of a brand. Sessions of the absorbed
    account end: access tokens last their time, as the survivor's. Both logs say that it happened, the absorbed one's as
    its last word. Open gifts stay open, of the joined person they are their own now.
    """
    told = to_document(Joined(absorbed.id))
    events = [
        PendingEvent(each, EventKind.JOINED, absorbed.id, told, {}) for each in sorted([survivor.id, absorbed.id])
    ]
    await app.live.append(work.session, events, work.now, [work.new_id("evt") for _ in events])
    await app.joining.absorb(work.session, survivor, absorbed, work.now)
    await join_conversations(app, work, survivor.id, absorbed.ids)
    await merge_members(app, work, survivor, absorbed)
    await app.pay_passwords.unite(work.session, survivor.id, absorbed.id)
