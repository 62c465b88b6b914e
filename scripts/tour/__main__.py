"""`python -m scripts.tour`: plays the story against what KABAO_READY names; exits 0 when every step held."""

import asyncio
import json
import os
import sys

import aiohttp

from scripts.audit_books import run as audit
from scripts.client import Api, GraphQLFailed, Phone, Refused
from scripts.tour import among_friends, at_the_restaurant, in_the_chat, tea_card
from scripts.tour.stage import Stage, Wrong


async def play(ready: dict[str, object]) -> int:
    """All scenes, then the audit; 0 when the story went well and the books are in order."""
    async with aiohttp.ClientSession() as http:
        stage = Stage(ready, http, Phone(http, str(ready["simulator"])))
        staff = Api(http, str(ready["console"]))
        signed = await staff.do("signIn", "accessToken", **ready["staff"])  # type: ignore[arg-type]
        staff.token = signed["accessToken"]
        stage.things["staff"] = staff
        try:
            for scene in (
                at_the_restaurant.meet,
                at_the_restaurant.join_and_claim,
                at_the_restaurant.top_up,
                at_the_restaurant.order_and_pay,
                among_friends.give,
                among_friends.friend_pays,
                among_friends.at_the_till,
                tea_card.tea_card,
                among_friends.sleep_and_resume,
                in_the_chat.chat,
            ):
                await scene(stage)
        except (Wrong, Refused, GraphQLFailed, TimeoutError, ConnectionError, aiohttp.ClientError) as error:
            print(f"\nThe story broke: {type(error).__name__}: {error}", file=sys.stderr)
            return 1
    stage.scene("The audit")
    breaches = await audit(os.environ["MONGODB_URI"], os.environ["KABAO_DATABASE"], str(ready["simulator"]))
    print(
        f"\n{stage.steps} steps, {breaches} breaches."
        if breaches
        else f"\n{stage.steps} steps; the books are in order."
    )
    return 1 if breaches else 0


if __name__ == "__main__":
    sys.exit(asyncio.run(play(json.loads(os.environ["KABAO_READY"]))))
