"""One-time messages on the wire: WeChat's subscribeMessage.send, QQ's SendSubscriptionMessage, and what they answer."""

from enum import Enum
from typing import Any

from resolvers.ports import ConsentEnded, MessageRefused, NotDelivered, PhoneMessage

WECHAT_PATH = "/cgi-bin/message/subscribe/send"
QQ_PATH = "/api/json/subscribe/SendSubscriptionMessage"


class Reaction(Enum):
    """What an errcode means to us."""

    LATER = "busy, or too much at once: the message was not taken, and will be another time"
    ENDED = "the person has agreed to no further message"
    PERSON = "this person cannot be told, now or later"
    OURS = "our template, or what we fill in, is wrong"


WECHAT_CODES: dict[int, Reaction] = {
    -1: Reaction.LATER,  # system busy
    40001: Reaction.LATER,  # the token, also after it was fetched anew
    40014: Reaction.LATER,
    42001: Reaction.LATER,
    45009: Reaction.LATER,  # the day's calls are used up
    45011: Reaction.LATER,  # the minute's
    43108: Reaction.LATER,  # several messages to one person at once
    43101: Reaction.ENDED,  # not subscribed, or used up
    43107: Reaction.PERSON,  # banned
    40003: Reaction.PERSON,  # no such openid
    40037: Reaction.OURS,  # template
    45168: Reaction.OURS,  # a sensitive word
    47003: Reaction.OURS,  # a value that is too long or of the wrong kind
}
QQ_CODES: dict[int, Reaction] = {
    -1: Reaction.LATER,
    40001: Reaction.LATER,
    40014: Reaction.LATER,
    42001: Reaction.LATER,
    40036: Reaction.LATER,  # an inner error of theirs
    41030: Reaction.LATER,  # too fast for one person
    45011: Reaction.LATER,
    46002: Reaction.LATER,  # the person's messages of the day
    46001: Reaction.ENDED,  # not subscribed
    46003: Reaction.ENDED,  # refused
    46006: Reaction.ENDED,  # a lasting authorisation that has lapsed
    46004: Reaction.PERSON,  # does not follow
    46005: Reaction.PERSON,  # not bound
    47001: Reaction.PERSON,  # banned
    40015: Reaction.OURS,  # oac_appid
    40035: Reaction.OURS,  # parameters
    40037: Reaction.OURS,  # template
}


def wechat_content(message: PhoneMessage, program_state: str) -> dict[str, Any]:
    """The body for WeChat; `program_state` is developer, trial or formal: which build of the mini-program opens."""
    return {**qq_content(message), "miniprogram_state": program_state, "lang": "zh_CN"}


def qq_content(message: PhoneMessage) -> dict[str, Any]:
    """The body for QQ, which is WeChat's without what only WeChat has."""
    return {
        "touser": message.openid,
        "template_id": message.template_id,
        "page": message.page,
        "data": {key: {"value": value} for key, value in message.data},
    }


def read_sent(answer: dict[str, Any], codes: dict[int, Reaction]) -> None:
    """Raise what an answer means: NotDelivered, ConsentEnded, MessageRefused; nothing when the message was taken.

    A code that is not listed is taken as ours to look at: sent again, it would be refused again.
    """
    code = answer.get("errcode", answer.get("errCode", 0))
    if code == 0:
        return
    reason = f"{code} {answer.get('errmsg', answer.get('errMsg', ''))}"[:200]
    match codes.get(code, Reaction.OURS):
        case Reaction.LATER:
            raise NotDelivered(reason)
        case Reaction.ENDED:
            raise ConsentEnded(reason)
        case reaction:
            raise MessageRefused(reason, ours=reaction is Reaction.OURS)
