"""Rules by which a brand answers by itself: what fits a text, and what may stand in a rule."""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from resolvers.brands.model import in_window
from resolvers.chat.desk.model import has_controls
from resolvers.coupons.model import Window
from resolvers.errors import Refused
from resolvers.ports_chat import Message, MessageKind

MAXIMUM_RULES = 100  # of one brand; all are read for every message
MAXIMUM_WORDS = 20  # of one rule
MAXIMUM_WORD = 30  # characters
MAXIMUM_TEXT = 600  # characters
MAXIMUM_TEXT_BYTES = 2_048  # what the platform takes
MAXIMUM_TITLE = 64  # characters
MAXIMUM_DESCRIPTION = 120  # characters
MAXIMUM_URL = 1_024  # bytes
MAXIMUM_ID = 128  # characters of a media id
MAXIMUM_WINDOWS = 14
MAXIMUM_RANGES = 4
QUEUED_TEXT = "已为您转接人工客服，请稍候。"


class RuleInvalid(Refused):
    """A rule breaks a bound, or lacks what its kind needs."""

    code = "RULE_INVALID"
    message = "回复规则不正确"


class TooManyRules(Refused):
    """The brand has as many rules as it may have."""

    code = "LIMIT_REACHED"
    message = f"最多 {MAXIMUM_RULES} 条回复规则"


class Match(StrEnum):
    """What a rule answers to."""

    EXACT = "EXACT"  # a text that is one of its words; also a menu key or `scene:…`
    CONTAINS = "CONTAINS"  # a text that holds one of its words
    SUBSCRIBE = "SUBSCRIBE"  # following the account
    DEFAULT = "DEFAULT"  # any text that no other rule fits


class ContentKind(StrEnum):
    """What a rule answers with."""

    TEXT = "TEXT"
    IMAGE = "IMAGE"
    NEWS = "NEWS"
    MINI_PROGRAM = "MINI_PROGRAM"
    COUPONS = "COUPONS"  # the coupons that this very person could claim now, and a card that opens their page
    DESK = "DESK"  # a person: the conversation goes to the queue


@dataclass(frozen=True, slots=True)
class Content:
    """What a rule answers with; which fields count depends on the kind. A DESK's `text` may be empty."""

    kind: ContentKind
    text: str = ""
    media_id: str = ""
    title: str = ""
    description: str = ""
    picture_url: str = ""
    url: str = ""
    page_path: str = ""

    @property
    def card(self) -> Message:
        """The mini-program card of a MINI_PROGRAM or COUPONS."""
        return Message(MessageKind.MINI_PROGRAM, title=self.title, page_path=self.page_path, media_id=self.media_id)


@dataclass(frozen=True, slots=True)
class ReplyRule:
    """One rule. Of a brand's rules the first that fits answers; their order alone decides."""

    id: str
    brand_id: str
    position: int
    match: Match
    words: tuple[str, ...]
    windows: tuple[Window, ...]
    content: Content
    revision: int = 1

    def open_at(self, local: datetime) -> bool:
        """Whether it answers at a local time; without windows it always does."""
        return not self.windows or any(in_window(each.ranges, each.weekdays, local) for each in self.windows)

    def fits(self, text: str) -> bool:
        """Whether it answers to a text, width, case and blanks aside."""
        said = normalized(text)
        match self.match:
            case Match.EXACT:
                return any(normalized(word) == said for word in self.words)
            case Match.CONTAINS:
                return any(normalized(word) in said for word in self.words)
            case _:
                return False


def normalized(text: str) -> str:
    """A text as rules compare it: `ＶＩＰ 卡 ` is `vip卡`."""
    return "".join(unicodedata.normalize("NFKC", text).casefold().split())


def answering(rules: Sequence[ReplyRule], text: str, local: datetime) -> ReplyRule | None:
    """The rule that answers to a text: the first that fits, else the first DEFAULT."""
    return next((rule for rule in rules if rule.open_at(local) and rule.fits(text)), None) or first_of(
        rules, Match.DEFAULT, local
    )


def first_of(rules: Sequence[ReplyRule], match: Match, local: datetime) -> ReplyRule | None:
    """The first rule of a kind that is open."""
    return next((rule for rule in rules if rule.match is match and rule.open_at(local)), None)


def keyed(rules: Sequence[ReplyRule], key: str, local: datetime) -> ReplyRule | None:
    """The rule that a menu button or a scanned code means.

    `reply:<rule id>` names it; `desk` is the first that leads to a person; of a code, `scene:…`, the first EXACT one
    with this word; any other key is taken as a text that was written, only that no DEFAULT answers it.
    """
    open_ones = [rule for rule in rules if rule.open_at(local)]
    if key.startswith("reply:"):
        return next((rule for rule in open_ones if rule.id == key.removeprefix("reply:")), None)
    if key == "desk":
        return next((rule for rule in open_ones if rule.content.kind is ContentKind.DESK), None)
    exactly = key.startswith("scene:")
    return next((rule for rule in open_ones if rule.fits(key) and (rule.match is Match.EXACT or not exactly)), None)


def check_rule(match: Match, words: Sequence[str], windows: Sequence[Window], content: Content) -> None:
    """Raise RuleInvalid, with the field, for a rule that could not work."""
    keyword = match in (Match.EXACT, Match.CONTAINS)
    if keyword != bool(words) or len(words) > MAXIMUM_WORDS:
        raise RuleInvalid(f"关键词需要 1 到 {MAXIMUM_WORDS} 个，仅关键词规则可填", field=("input", "words"))
    if any(not normalized(word) or len(word) > MAXIMUM_WORD or has_controls(word) for word in words):
        raise RuleInvalid(f"每个关键词为 1 到 {MAXIMUM_WORD} 个字符", field=("input", "words"))
    if len(windows) > MAXIMUM_WINDOWS or any(not _window_holds(each) for each in windows):
        raise RuleInvalid("时间段不正确", field=("input", "windows"))
    field = _wrong_field(content)
    if field is not None:
        raise RuleInvalid(f"{_FIELD_NAMES.get(field, '回复内容')}不正确或过长", field=("input", "content", field))


_FIELD_NAMES = {
    "text": f"回复文字（最多 {MAXIMUM_TEXT} 字）",
    "mediaId": "图片编号",
    "title": f"标题（最多 {MAXIMUM_TITLE} 字）",
    "description": f"描述（最多 {MAXIMUM_DESCRIPTION} 字）",
    "pictureUrl": "图片地址（须为 https）",
    "url": "链接（须为 https）",
    "pagePath": "小程序页面",
}


def _window_holds(window: Window) -> bool:
    days = window.weekdays
    return len(set(days)) == len(days) and all(1 <= day <= 7 for day in days) and len(window.ranges) <= MAXIMUM_RANGES


def _wrong_field(content: Content) -> str | None:
    """The first field of a content that its kind needs and that does not hold."""
    checks = {
        "text": lambda: _is_text(content.text, MAXIMUM_TEXT) and len(content.text.encode()) <= MAXIMUM_TEXT_BYTES,
        "title": lambda: _is_text(content.title, MAXIMUM_TITLE),
        "description": lambda: not content.description or _is_text(content.description, MAXIMUM_DESCRIPTION),
        "pictureUrl": lambda: is_https(content.picture_url),
        "url": lambda: is_https(content.url),
        "mediaId": lambda: is_media_id(content.media_id),
        "pagePath": lambda: is_page(content.page_path),
    }
    needed: dict[ContentKind, tuple[str, ...]] = {
        ContentKind.TEXT: ("text",),
        ContentKind.IMAGE: ("mediaId",),
        ContentKind.NEWS: ("title", "description", "pictureUrl", "url"),
        ContentKind.MINI_PROGRAM: ("title", "pagePath", "mediaId"),
        ContentKind.COUPONS: ("title", "pagePath", "mediaId"),
        ContentKind.DESK: ("text",) if content.text else (),
    }
    return next((name for name in needed[content.kind] if not checks[name]()), None)


def _is_text(text: str, most: int) -> bool:
    return bool(text.strip()) and len(text) <= most and not has_controls(text)


def is_https(url: str) -> bool:
    """Whether a text is an https address that the platform takes."""
    return (
        url.startswith("https://")
        and len(url) > 8
        and len(url.encode()) <= MAXIMUM_URL
        and url.isprintable()
        and (" " not in url)
    )


def is_media_id(media_id: str) -> bool:
    """Whether a text can be a media id of the platform's."""
    return bool(media_id) and len(media_id) <= MAXIMUM_ID and media_id.isascii() and media_id.isprintable()


def is_page(path: str) -> bool:
    """Whether a text can be a page of a mini-program, `pages/coupons/index?from=oa`."""
    return bool(path) and not path.startswith("/") and len(path.encode()) <= MAXIMUM_URL and path.isprintable()
