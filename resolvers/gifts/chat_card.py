"""The card of a group gift in the chat: it shows how many shares are claimed, and at last that all are gone."""

import contextlib
from dataclasses import dataclass

from resolvers.app import App
from resolvers.gifts.model import OPEN, Gift
from resolvers.gifts.present import Present, identity_of, new_activity
from resolvers.outbox.model import Task
from resolvers.people.model import SignedIn
from resolvers.ports import CardOver, CardState, NotOffered, OutsideFault, Platform
from resolvers.work.unit import Work

PAGE = "pages/gift/open?id={id}"


@dataclass(frozen=True, slots=True)
class Activities:
    """What the giver's platform has opened for a gift: of its private message, or of its card in the chat."""

    message_id: str | None = None
    card_id: str | None = None
    app_id: str | None = None


async def open_activities(app: App, person: SignedIn, present: Present) -> Activities:
    """Ask the platform for what this gift needs. Raises NotGivable, PlatformUnavailable (for a private message only).

    A group gift goes without a card that follows it where the platform has none, or does not answer.
    """
    if present.private:
        return Activities(message_id=await new_activity(app, person))
    if present.shares == 1:
        return Activities()
    identity = await identity_of(app, person)
    try:
        card_id = await app.platforms[person.platform, person.app_id].new_activity(identity.openid)
    except (NotOffered, OutsideFault):
        return Activities()
    return Activities(card_id=card_id, app_id=person.app_id)


def show_progress(work: Work, gift: Gift) -> None:
    """Have the card follow the gift, which is now as given."""
    if gift.card_activity_id is not None:
        work.later("gift_card", f"{gift.id}:{gift.revision}", gift_id=gift.id, revision=gift.revision)


async def update_chat_card(app: App, task: Task) -> None:
    """Show on the card how far its gift is; one that has moved on since has a task of its own. Raises OutsideFault."""
    gift = await app.gifts.gift(task.payload["gift_id"])
    if gift is None or gift.card_activity_id is None or gift.revision > task.payload["revision"]:
        return
    chat = app.platforms.get((Platform.WECHAT, gift.app_id or ""))
    state = CardState(gift.status in OPEN, len(gift.claims), gift.shares, PAGE.replace("{id}", gift.id))
    with contextlib.suppress(CardOver, NotOffered):
        if chat is not None:
            await chat.update_card(gift.card_activity_id, state)
