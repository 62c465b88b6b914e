"""The chat app itself: a question to the official account, an agent's answer, and a message to a phone that sleeps."""

from typing import Any

from scripts.client import new_key
from scripts.tour.cast import LIN
from scripts.tour.stage import Stage

TEMPLATES = "query($b: ID!) { me { messageConsents(brandId: $b) { templateId events } } }"
WAITING = "{ conversations(state: [WAITING]) { nodes { id messages { nodes { content { text } } } } } }"
SAY = "said { delivery } conversation { sendsLeft }"


async def chat(stage: Stage) -> None:
    """小林 asks the official account what there is for her, then for a person, and is told of a top-up."""
    stage.scene("In the chat itself")
    lin, staff, phone = stage.people[LIN].api, stage.things["staff"], stage.phone
    user, brand_id = stage.people[LIN].user, stage.ready["brand_id"]
    reply = (await phone.say(user, text="有什么优惠？"))["reply"]["text"]
    stage.step(f"{LIN} writes 「有什么优惠？」 to the official account: 「{reply.splitlines()[0]} …」")
    await phone.say(user, text="客服")
    talk = (await staff.ask(WAITING))["conversations"]["nodes"][0]
    await staff.do("takeConversation", "conversation { state }", conversationId=talk["id"])
    said = await staff.do(
        "sendMessage", SAY, conversationId=talk["id"], text="小林您好，包间给您留着", idempotencyKey=new_key()
    )

    async def arrived(kind: str) -> Any:
        return [each for each in await phone.sent(user) if each["kind"] == kind]

    async def answered() -> Any:
        return [each for each in await arrived("service") if "包间" in str(each["content"])]

    await stage.until("the agent's answer", answered)
    left = said["conversation"]["sendsLeft"]
    stage.step(
        f"「客服」 leads to a person; the answer is on her phone, {left} more may be sent until she writes again"
    )
    templates = (await lin.ask(TEMPLATES, b=brand_id))["me"]["messageConsents"]
    template_id = next(each["templateId"] for each in templates if "BALANCE_CHANGED" in each["events"])
    await phone.control("subscribe", platform="wechat", user=user, template_ids=[template_id])
    consents = [{"templateId": template_id, "accepted": True}]
    await lin.do(
        "recordConsents", "consents { remaining }", brandId=brand_id, consents=consents, idempotencyKey=new_key()
    )
    wanted = {"storeId": stage.ready["store_id"], "customerId": (await lin.ask("{ me { id } }"))["me"]["id"]}
    await staff.do("cashTopUp", "card { id }", **wanted, amountFen=10_000, idempotencyKey=new_key())
    [message] = await stage.until("the message", lambda: arrived("subscribe"))
    values = [field["value"] for field in message["content"]["data"].values()]
    stage.expect("what the message says", values[1:3], ["充值到账", "¥100.00"])
    stage.step(f"She agrees to one message; ¥100.00 in cash at the till, and her phone says: {' · '.join(values[:4])}")
