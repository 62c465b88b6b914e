"""What the tests of messages say over and over: agree to some, see what is left and what arrived on the phone."""

import json
from pathlib import Path
from typing import Any

from resolvers.chat.messages.model import MessageState
from resolvers.jobs import run_outbox_once
from scripts.client import Api, Json, new_key
from tests.support.world import World

EVENTS = json.loads((Path(__file__).parents[2] / "scripts" / "message_templates.json").read_text("utf-8"))
CONSENTS = "consents { scene templateId remaining events }"
READ = f"query($b: ID!) {{ me {{ messageConsents(brandId: $b) {CONSENTS.removeprefix('consents')} }} }}"


def template_of(event: str, platform: str = "WECHAT") -> str:
    """The demo's template for an event."""
    return str(next(each["template_id"] for each in EVENTS[platform] if each["event"] == event))


async def agree(world: World, person: Api, *events: str, platform: str = "WECHAT", key: str | None = None) -> Json:
    """The person taps "allow" for these events, and the mini-program reports it."""
    wanted = [template_of(event, platform) for event in events]
    for number in range(0, len(wanted), 3):
        some = wanted[number : number + 3]
        await world.phone.control("subscribe", platform=platform, user=user_of(person), template_ids=some)
    return await report(world, person, *wanted, key=key)


async def report(world: World, person: Api, *template_ids: str, accepted: bool = True, key: str | None = None) -> Json:
    """The mini-program reports what the person answered, whether or not it is true."""
    consents = [{"templateId": each, "accepted": accepted} for each in template_ids]
    return await person.do(
        "recordConsents", CONSENTS, brandId=world.brand_id, consents=consents, idempotencyKey=key or new_key()
    )


async def remaining(world: World, person: Api, event: str) -> int:
    """How many messages of an event are left, as the person sees it."""
    rows = (await person.ask(READ, b=world.brand_id))["me"]["messageConsents"]
    return int(next(row["remaining"] for row in rows if event in row["events"]))


def user_of(person: Api) -> str:
    """The person's name in the simulator."""
    return str(person.user)  # type: ignore[attr-defined]


async def arrived(world: World, person: Api, event: str | None = None, platform: str = "WECHAT") -> list[Json]:
    """The messages on the person's phone, of one event or all: {template_id, page, data: {key: value}}."""
    async with world.http.get(f"{world.simulator}/_control/sent", params={"user": user_of(person)}) as response:
        rows: list[Json] = await response.json()
    shown = [_plain(row["content"]) for row in rows if row["kind"] == "subscribe"]
    return [each for each in shown if event is None or each["template_id"] == template_of(event, platform)]


def _plain(content: Json) -> Json:
    return {**content, "data": {key: field["value"] for key, field in content["data"].items()}}


async def all_sent(world: World) -> None:
    """Do every task of the outbox that is due, as a worker would."""
    while await run_outbox_once(world.app):
        pass


async def let_all_be_due(world: World) -> None:
    """Every message that waits for another try is due now."""
    waiting = {"state": "WAITING", "kind": "message"}
    await world.app.connection.collection("outbox").update_many(waiting, {"$set": {"due_at": world.clock.now()}})


async def states(world: World, customer_id: str) -> dict[str, MessageState]:
    """What came of a person's messages, by event."""
    found: Any = world.app.connection.collection("messages").find({"customer_id": customer_id})
    return {row["event"]: MessageState(row["state"]) for row in await found.to_list(None)}
