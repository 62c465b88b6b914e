"""QQ Wallet's wire form: one flat XML object, signed with MD5, read safely and within bounds."""

import hmac
from collections.abc import Mapping

from defusedxml.common import DefusedXmlException  # type: ignore[import-untyped]
from defusedxml.ElementTree import ParseError, fromstring  # type: ignore[import-untyped]

from scripts.simulator.crypto import form_md5, random_text

MAX_FORM_BYTES = 16 * 1024
MAX_FIELDS = 60


class FormError(Exception):
    """The form cannot be read, or its sign is wrong: answered as return_code FAIL."""


def read_form(raw: bytes) -> dict[str, str]:
    """The fields of a flat `<xml>` object; no document types, no entities, no repeats, no nesting."""
    if len(raw) > MAX_FORM_BYTES:
        raise FormError("请求报文过长")
    try:
        root = fromstring(raw, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError, LookupError) as error:
        raise FormError("XML格式错误") from error
    if root.tag != "xml" or len(root) > MAX_FIELDS:
        raise FormError("XML格式错误")
    fields: dict[str, str] = {}
    for element in root:
        if len(element) or element.tag in fields:
            raise FormError("XML格式错误")
        fields[element.tag] = element.text or ""
    return fields


def check_sign(fields: Mapping[str, str], key: str) -> None:
    """Upper-case MD5 over all other fields."""
    if not hmac.compare_digest(fields.get("sign", "").encode(), form_md5(fields, key).encode()):
        raise FormError("签名错误")


def signed_form(fields: Mapping[str, str], key: str, wrong: bool = False) -> bytes:
    """The form with a fresh nonce and its sign, as XML; `wrong` makes a sign that does not hold."""
    complete = {name: value for name, value in fields.items() if value != ""} | {"nonce_str": random_text(32)}
    complete["sign"] = form_md5(complete, key + "x" if wrong else key)
    lines = "".join(f"<{name}><![CDATA[{_cdata(value)}]]></{name}>" for name, value in complete.items())
    return f'<?xml version="1.0" encoding="UTF-8"?><xml>{lines}</xml>'.encode()


def is_accepted(raw: bytes) -> bool:
    """Whether a merchant's answer to a notification says SUCCESS."""
    try:
        return read_form(raw).get("return_code") == "SUCCESS"
    except FormError:
        return False


def _cdata(value: str) -> str:
    """Text that stays one text inside CDATA."""
    return value.replace("]]>", "]]]]><![CDATA[>")
