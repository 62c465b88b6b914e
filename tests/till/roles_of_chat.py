"""What each role may do in the chat channel: every role answers people, managers write rules and the menu."""

import uuid
from typing import Any

from scripts.client import Json
from tests.till.roles import Case, Scene, do, keyed, nothing

#           visitor         cashier     elsewhere   manager  elsewhere   owner   of another brand
EVERYONE = "UNAUTHENTICATED SUCCESS SUCCESS SUCCESS SUCCESS SUCCESS SUCCESS"
BRANDS__ = "UNAUTHENTICATED SUCCESS SUCCESS SUCCESS SUCCESS SUCCESS NOT_FOUND"
OR_NULL_ = "UNAUTHENTICATED SUCCESS SUCCESS SUCCESS SUCCESS SUCCESS null"
TAKEN___ = "CONVERSATION_TAKEN"
WHO_HAS_ = f"UNAUTHENTICATED SUCCESS {TAKEN___} {TAKEN___} {TAKEN___} {TAKEN___} NOT_FOUND"
OR_HEADS = f"UNAUTHENTICATED SUCCESS {TAKEN___} SUCCESS SUCCESS SUCCESS NOT_FOUND"
MANAGERS = "UNAUTHENTICATED NOT_ALLOWED NOT_ALLOWED SUCCESS SUCCESS SUCCESS NOT_FOUND"
DRAFTERS = "UNAUTHENTICATED NOT_ALLOWED NOT_ALLOWED SUCCESS SUCCESS SUCCESS SUCCESS"
NO_CASH_ = "UNAUTHENTICATED FORBIDDEN FORBIDDEN SUCCESS SUCCESS SUCCESS SUCCESS"
RULE = {"match": "EXACT", "words": ["角色"], "content": {"kind": "TEXT", "text": "好"}}


async def a_waiting_talk(scene: Scene) -> str:
    """The conversation of somebody new who waits for a person."""
    talks = scene.world.app.connection.collection("conversations")
    known = {each["_id"] for each in await talks.find({}).to_list(None)}
    await scene.world.phone.say(f"user-{uuid.uuid4().hex[:12]}", text="客服")
    [new] = {each["_id"] for each in await talks.find({}).to_list(None)} - known
    return str(new)


async def a_talk_of_the_cashiers(scene: Scene) -> str:
    """One that the cashier of the store has."""
    talk = await a_waiting_talk(scene)
    await scene.cast["CASHIER"].do("takeConversation", "conversation { id }", conversationId=talk)
    return talk


async def a_rule(scene: Scene) -> str:
    """A reply rule of the brand."""
    made = await scene.cast["OWNER"].do("putReplyRule", "rule { id }", **keyed(**RULE))
    return str(made["rule"]["id"])


async def a_menu(scene: Scene) -> None:
    """A menu that nobody has published."""
    await scene.cast["OWNER"].do("putMenu", "menu { state }", **_menu())


def _menu() -> Json:
    return {"buttons": [{"name": uuid.uuid4().hex[:8], "kind": "CLICK", "key": "desk"}]}


def _asked(query: str) -> Any:
    return lambda _, staff, __: staff.ask(query)


def _talking(verb: str, wanted: str = "conversation { id }", **fields: Any) -> Any:
    return do(verb, wanted, lambda _, talk: {"conversationId": talk, **fields})


def _said(verb: str) -> Any:
    return do(verb, "said { id }", lambda _, talk: keyed(conversationId=talk, text="您好"))


def _ruled(verb: str, wanted: str) -> Any:
    return do(verb, wanted, lambda _, rule: {"ruleId": rule})


TALK = "query($id: ID!) { answer: conversation(id: $id) { id } }"
CHAT = [
    Case("conversations", "", a_waiting_talk, _asked("{ conversations { nodes { id } } }"), EVERYONE),
    Case("conversation", "", a_waiting_talk, lambda _, staff, talk: staff.ask(TALK, id=talk), OR_NULL_),
    Case("conversationsCursor", "", nothing, _asked("{ conversationsCursor }"), EVERYONE),
    Case("replyRules", "", nothing, _asked("{ replyRules { id } }"), EVERYONE),
    Case("buttonMenu", "", nothing, _asked("{ buttonMenu { state } }"), EVERYONE),
    Case("dryRunReply", "", nothing, _asked('{ dryRunReply(text: "客服") { text } }'), NO_CASH_),
    Case("takeConversation", "", a_waiting_talk, _talking("takeConversation"), BRANDS__, "takeConversation"),
    Case("closeConversation", "", a_waiting_talk, _talking("closeConversation"), BRANDS__, "closeConversation"),
    Case("handOver", "", a_talk_of_the_cashiers, _talking("handOver"), OR_HEADS, "handOver"),
    Case(
        "transferToPlatform", "", a_talk_of_the_cashiers, _talking("transferToPlatform"), OR_HEADS, "transferToPlatform"
    ),
    Case("sendMessage", "", a_talk_of_the_cashiers, _said("sendMessage"), WHO_HAS_, "sendMessage"),
    Case("addNote", "", a_talk_of_the_cashiers, _said("addNote"), BRANDS__, "addNote"),
    Case(
        "putReplyRule",
        "",
        a_rule,
        do("putReplyRule", "rule { id }", lambda _, rule: keyed(ruleId=rule, **RULE)),
        MANAGERS,
        "putReplyRule",
    ),
    Case("moveReplyRule", "", a_rule, _ruled("moveReplyRule", "rules { id }"), MANAGERS, "moveReplyRule"),
    Case("deleteReplyRule", "", a_rule, _ruled("deleteReplyRule", "rules { id }"), MANAGERS, "deleteReplyRule"),
    Case("putMenu", "", nothing, do("putMenu", "menu { state }", lambda _, __: _menu()), DRAFTERS, "putMenu"),
    Case("publishMenu", "", a_menu, do("publishMenu", "menu { state }", lambda _, __: {}), MANAGERS, "publishMenu"),
]
