"""What managers do with their brand's rules: write, delete and move them, and see what a text would be answered."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from resolvers.app import App
from resolvers.chat.replies.model import (
    MAXIMUM_RULES,
    QUEUED_TEXT,
    Content,
    ContentKind,
    Match,
    ReplyRule,
    TooManyRules,
    answering,
    check_rule,
)
from resolvers.chat.replies.offered import coupons_text
from resolvers.coupons.model import Window
from resolvers.errors import BadInput, Forbidden, NotFound
from resolvers.people.model import Role, Staff
from resolvers.work.model import Actor, ActorKind, Call
from resolvers.work.run import Ids
from resolvers.work.unit import Work

MAXIMUM_TRIED = 600  # characters of a text that is tried out


@dataclass(frozen=True, slots=True)
class Answered:
    """What a text would be answered: the rule, and the text that would come, if one would."""

    rule: ReplyRule | None
    text: str | None


async def rules_of(app: App, staff: Staff) -> list[ReplyRule]:
    """The rules of the staff's brand, in order."""
    return await app.reply_rules.rules_of(staff.brand_id)


async def put_reply_rule(
    app: App,
    staff: Staff,
    rule_id: str | None,
    match: Match,
    words: Sequence[str],
    windows: Sequence[Window],
    content: Content,
    key: str,
) -> ReplyRule:
    """Write a rule anew: one that is there stays where it stands, a new one (None) comes last. Managers only.

    Raises NotAllowed, NotFound, RuleInvalid, TooManyRules, IdempotencyKeyReused, BadInput.
    """
    staff.require(Role.MANAGER)
    check_rule(match, words, windows, content)
    input_ = {
        "rule": rule_id,
        "match": match.value,
        "words": list(words),
        "windows": [asdict(each) for each in windows],
        "content": asdict(content),
    }

    async def steps(work: Work) -> Ids:
        known = await app.reply_rules.rule(rule_id, work.session) if rule_id is not None else None
        if rule_id is not None and (known is None or known.brand_id != staff.brand_id):
            raise NotFound("没有这条规则", field=("input", "ruleId"))
        if known is None:
            if len(await app.reply_rules.rules_of(staff.brand_id, work.session)) >= MAXIMUM_RULES:
                raise TooManyRules
            last = await app.reply_rules.last_position(staff.brand_id, work.session)
            known = ReplyRule(work.new_id("rul"), staff.brand_id, last + 1, match, (), (), content, revision=0)
        rule = replace(
            known,
            match=match,
            words=tuple(words),
            windows=tuple(windows),
            content=content,
            revision=known.revision + 1,
        )
        await app.reply_rules.put(work.session, rule)
        work.record_staff_action("putReplyRule", rule.id)
        return {"rule": rule.id}

    ids = await app.work.run(_call(staff, "putReplyRule", key, input_), steps)
    rule = await app.reply_rules.rule(ids["rule"])
    if rule is None:
        raise NotFound("没有这条规则", field=("input", "ruleId"))
    return rule


async def delete_reply_rule(app: App, staff: Staff, rule_id: str) -> list[ReplyRule]:
    """Delete a rule and answer those that are left; one that is gone is gone. Managers only.

    Raises NotAllowed, NotFound for a rule of another brand.
    """
    staff.require(Role.MANAGER)

    async def steps(work: Work) -> Ids:
        known = await app.reply_rules.rule(rule_id, work.session)
        if known is None:
            return {}
        if known.brand_id != staff.brand_id:
            raise NotFound("没有这条规则", field=("input", "ruleId"))
        await app.reply_rules.delete(work.session, rule_id)
        work.record_staff_action("deleteReplyRule", rule_id)
        return {}

    await app.work.run(_call(staff, "deleteReplyRule"), steps)
    return await rules_of(app, staff)


async def move_reply_rule(app: App, staff: Staff, rule_id: str, before_rule_id: str | None) -> list[ReplyRule]:
    """Put a rule before another one, or (None) last; answers all in their new order. Managers only.

    Raises NotAllowed, NotFound.
    """
    staff.require(Role.MANAGER)

    async def steps(work: Work) -> Ids:
        rules = await app.reply_rules.rules_of(staff.brand_id, work.session)
        moved = next((rule for rule in rules if rule.id == rule_id), None)
        if moved is None:
            raise NotFound("没有这条规则", field=("input", "ruleId"))
        others = [rule for rule in rules if rule.id != rule_id]
        places = [index for index, rule in enumerate(others) if rule.id == before_rule_id]
        if before_rule_id not in (None, rule_id) and not places:
            raise NotFound("没有这条规则", field=("input", "beforeRuleId"))
        if before_rule_id != rule_id:
            others.insert(places[0] if places else len(others), moved)
            for position, rule in enumerate(others, 1):
                if rule.position != position:
                    changed = replace(rule, position=position, revision=rule.revision + 1)
                    await app.reply_rules.put(work.session, changed)
            work.record_staff_action("moveReplyRule", rule_id)
        return {}

    await app.work.run(_call(staff, "moveReplyRule"), steps)
    return await rules_of(app, staff)


async def dry_run_reply(app: App, staff: Staff, text: str, at: datetime | None, customer_id: str | None) -> Answered:
    """What a text would be answered at a moment (None: now), without any effect.

    Coupons are those of a member of the brand, or of a visitor (None). Raises Forbidden for a cashier, BadInput.
    """
    if staff.role is Role.CASHIER:
        raise Forbidden("Managers only.")
    if len(text) > MAXIMUM_TRIED:
        raise BadInput(f"text must have at most {MAXIMUM_TRIED} characters.")
    brand = await app.brands.brand(staff.brand_id)
    if brand is None:
        return Answered(None, None)
    if customer_id is not None and await app.people.membership(customer_id, brand.id) is None:
        raise BadInput("customerId is not a member of your brand.")
    now = at or app.clock.now()
    rules = await app.reply_rules.rules_of(brand.id)
    rule = answering(rules, text, now.astimezone(ZoneInfo(brand.settings.zone)))
    if rule is None:
        return Answered(None, None)
    match rule.content.kind:
        case ContentKind.TEXT:
            return Answered(rule, rule.content.text)
        case ContentKind.DESK:
            return Answered(rule, rule.content.text or QUEUED_TEXT)
        case ContentKind.COUPONS:
            return Answered(rule, await coupons_text(app, brand, customer_id, now))
        case _:
            return Answered(rule, None)


def _call(staff: Staff, verb: str, key: str | None = None, input_: Mapping[str, object] | None = None) -> Call:
    return Call(verb, Actor(ActorKind.STAFF, staff.id), key, input_ or {}, (f"rules:{staff.brand_id}",))
