"""Callbacks and their answers as XML and as JSON: whichever came is what is answered."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from xml.sax.saxutils import escape

import orjson
from defusedxml import ElementTree
from defusedxml.common import DefusedXmlException

from resolvers.chat.incoming.model import Incoming
from resolvers.ports_chat import Message, MessageKind, Transfer

MAXIMUM_FIELDS = 64  # of one callback; the fullest has about 20
MAXIMUM_VALUE = 16 * 1024  # characters of one field; the sealed message is the longest
NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # what XML can hold in no way
XML, JSON = "text/xml; charset=utf-8", "application/json; charset=utf-8"


class FormInvalid(Exception):
    """A body that is neither of the platform's two forms."""


@dataclass(frozen=True, slots=True)
class Form:
    """A callback's fields as text. Those of a field inside another have both names, `ScanCodeInfo.ScanResult`.

    Where such a one is repeated they are numbered: `SubscribeMsgPopupEvent.List`, `SubscribeMsgPopupEvent.List.2`.
    """

    fields: Mapping[str, str]
    is_json: bool


def read_form(body: bytes) -> Form:
    """The fields of a body in UTF-8, XML without entities or a document type, or JSON. Raises FormInvalid.

    A field that is repeated on the top level is refused: one would hide the other.
    """
    text = body.removeprefix(b"\xef\xbb\xbf").lstrip()
    is_json = text.startswith(b"{")
    try:
        fields = _flat(orjson.loads(text)) if is_json else _read_xml(text.decode())
    except (orjson.JSONDecodeError, ElementTree.ParseError, DefusedXmlException, ValueError, RecursionError) as error:
        raise FormInvalid from error
    return Form(fields, is_json)


def _read_xml(text: str) -> dict[str, str]:
    root = ElementTree.fromstring(text, forbid_dtd=True)
    if root.tag != "xml":
        raise ValueError
    found: dict[str, str] = {}
    for child in root:
        _put(found, child.tag, child.text or "")
        for inner in child:
            _put(found, _numbered(f"{child.tag}.{inner.tag}", found), inner.text or "")
    return found


def _numbered(name: str, found: Mapping[str, str]) -> str:
    names = (name, *(f"{name}.{number}" for number in range(2, MAXIMUM_FIELDS + 2)))
    return next(each for each in names if each not in found)


def _flat(value: Any, prefix: str = "") -> dict[str, str]:
    found: dict[str, str] = {}
    for name, each in value.items():
        if isinstance(each, dict) and not prefix:
            for inner, text in _flat(each, f"{name}.").items():
                _put(found, inner, text)
        elif isinstance(each, str | int) and not isinstance(each, bool):
            _put(found, f"{prefix}{name}", str(each))
    return found


def _put(found: dict[str, str], name: str, text: str) -> None:
    if len(found) >= MAXIMUM_FIELDS or len(text) > MAXIMUM_VALUE or name in found:
        raise ValueError
    found[name] = text


def write_answer(incoming: Incoming, answer: Message | Transfer, at: int, *, as_json: bool) -> bytes:
    """A passive answer, in seconds since 1970, unsealed."""
    content = {
        "ToUserName": incoming.openid,
        "FromUserName": incoming.account,
        "CreateTime": at,
        **(_transfer(answer) if isinstance(answer, Transfer) else _message(answer)),
    }
    return orjson.dumps(content) if as_json else write_xml(content)


def _transfer(answer: Transfer) -> dict[str, Any]:
    to = {"TransInfo": {"KfAccount": answer.agent_account}} if answer.agent_account else {}
    return {"MsgType": "transfer_customer_service", **to}


def _message(answer: Message) -> dict[str, Any]:
    match answer.kind:
        case MessageKind.TEXT:
            return {"MsgType": "text", "Content": answer.text}
        case MessageKind.IMAGE:
            return {"MsgType": "image", "Image": {"MediaId": answer.media_id}}
        case MessageKind.NEWS:
            article = {
                "Title": answer.title,
                "Description": answer.description,
                "PicUrl": answer.picture_url,
                "Url": answer.url,
            }
            return {"MsgType": "news", "ArticleCount": 1, "Articles": {"item": article}}
        case MessageKind.MINI_PROGRAM:
            raise ValueError("a card cannot be the answer to a callback")


def write_xml(content: Mapping[str, Any]) -> bytes:
    """Fields as the platform writes them: texts in CDATA, numbers bare. What no XML can hold is left out."""
    return f"<xml>{_inner(content)}</xml>".encode()


def _inner(content: Mapping[str, Any]) -> str:
    return "".join(f"<{name}>{_value(value)}</{name}>" for name, value in content.items())


def _value(value: Any) -> str:
    if isinstance(value, Mapping):
        return _inner(value)
    if isinstance(value, int):
        return str(value)
    text = NOT_XML.sub("", value)
    return escape(text) if "]]>" in text else f"<![CDATA[{text}]]>"
