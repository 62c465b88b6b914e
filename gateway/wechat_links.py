"""Mini-program codes, URL links and updatable cards on the wire: what WeChat is sent, and what it answers."""

from typing import Any

from gateway.mini_program import TOKEN_REFUSED
from gateway.outgoing import Answer
from resolvers.ports import CardOver, CardState, LinkRefused, OutsideFault

CODE_PATH = "/wxa/getwxacodeunlimit"
LINK_PATH = "/wxa/generate_urllink"
CARD_PATH = "/cgi-bin/message/wxopen/updatablemsg/send"
ENV_VERSIONS = {"developer": "develop", "trial": "trial", "formal": "release"}  # a build's other name, here
BUSY = (-1, 40001, 40014, 42001, 45009, 45011)  # to be tried again; the tokens: also after one was fetched anew


def code_content(scene: str, page: str, width: int, env_version: str) -> dict[str, Any]:
    """A code that opens a page with a scene. The page is not checked, so that it may be published later."""
    return {"scene": scene, "page": page, "check_path": False, "env_version": env_version, "width": width}


def read_code(answer: Answer) -> tuple[bytes, str]:
    """(image, content type); an error comes as JSON under the same status. Raises OutsideFault, LinkRefused."""
    content_type = str(answer.headers.get("Content-Type", "")).partition(";")[0].strip()
    if content_type.startswith("image/"):
        return answer.body, content_type
    check(answer.json())
    raise OutsideFault(f"no image but {content_type}")


def token_refused(answer: Answer) -> bool:
    """Whether it is an error that says that the token is no good."""
    if str(answer.headers.get("Content-Type", "")).startswith("image/"):
        return False
    return answer.json().get("errcode", 0) in TOKEN_REFUSED


def link_content(path: str, query: str, days: int, env_version: str) -> dict[str, Any]:
    """A link that opens a page for so many days."""
    return {"path": path, "query": query, "expire_type": 1, "expire_interval": days, "env_version": env_version}


def read_link(answer: dict[str, Any]) -> str:
    """The link. Raises OutsideFault, LinkRefused."""
    check(answer)
    link = answer.get("url_link")
    if not isinstance(link, str) or not link:
        raise OutsideFault("no link")
    return link


def card_content(activity_id: str, state: CardState, version_type: str) -> dict[str, Any]:
    """How far a group gift is: while it is claimed the counts, then the page that tells the end."""
    values = (
        {"member_count": str(state.claimed), "room_limit": str(state.shares)}
        if state.open
        else {"path": state.page, "version_type": version_type}
    )
    parameters = [{"name": name, "value": value} for name, value in values.items()]
    target = 0 if state.open else 1
    return {"activity_id": activity_id, "target_state": target, "template_info": {"parameter_list": parameters}}


def check_card(answer: dict[str, Any]) -> None:
    """Raises OutsideFault: try again; CardOver: nothing more can be said on this card."""
    code = answer.get("errcode", 0)
    if code in BUSY:
        raise OutsideFault(f"updatablemsg: {code}")
    if code != 0:
        raise CardOver(f"updatablemsg: {code}")


def check(answer: dict[str, Any]) -> None:
    """Raises OutsideFault: try again; LinkRefused: never so."""
    code = answer.get("errcode", 0)
    if code in BUSY:
        raise OutsideFault(f"{answer.get('errcode')} {answer.get('errmsg', '')}"[:200])
    if code != 0:
        raise LinkRefused(f"{code} {answer.get('errmsg', '')}"[:200])
