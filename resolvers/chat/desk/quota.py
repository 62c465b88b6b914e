"""How many messages the platform lets us send to a person's chat app, and until when."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from resolvers.errors import Refused

MESSAGE_WINDOW, MESSAGE_QUOTA = timedelta(hours=48), 5  # after the person wrote
ACT_WINDOW, ACT_QUOTA = timedelta(minutes=1), 3  # after a menu click, a scan, or following


class SendWindowClosed(Refused):
    """The person did nothing in the chat for so long that the platform takes no message for them."""

    code = "WINDOW_CLOSED"
    message = "顾客有一段时间没有联系了，平台暂时不让发送；请等顾客再次联系"


class SendQuotaReached(Refused):
    """As many messages were sent as the platform allows until the person writes again."""

    code = "QUOTA_REACHED"
    message = "已达到平台的发送条数上限，请等顾客回复"


@dataclass(frozen=True, slots=True)
class Grant:
    """So many messages may be sent until a moment."""

    until: datetime | None = None
    left: int = 0

    def open_at(self, now: datetime) -> bool:
        """Whether its time is not over."""
        return self.until is not None and now < self.until

    def least(self, other: "Grant") -> "Grant":
        """Of two the later end and the fewer messages; the only one that there is."""
        if self.until is None or other.until is None:
            return other if self.until is None else self
        return Grant(max(self.until, other.until), min(self.left, other.left))


@dataclass(frozen=True, slots=True)
class Quota:
    """What the platform lets us send to a person: granted by what they wrote, and by what they did (`by_act`)."""

    by_message: Grant = Grant()
    by_act: Grant = Grant()

    def until(self, now: datetime) -> datetime | None:
        """Until when anything may be sent; None: nothing may."""
        ends = [each.until for each in (self.by_act, self.by_message) if each.until is not None and each.open_at(now)]
        return max(ends) if ends else None

    def left(self, now: datetime) -> int:
        """How many messages may be sent now."""
        return sum(each.left for each in (self.by_act, self.by_message) if each.open_at(now))

    def granted(self, at: datetime, *, wrote: bool) -> "Quota":
        """The quota after the person wrote or did something at a moment. What arrives late grants nothing anew."""
        before, window, count = (
            (self.by_message, MESSAGE_WINDOW, MESSAGE_QUOTA) if wrote else (self.by_act, ACT_WINDOW, ACT_QUOTA)
        )
        if before.until is not None and at + window < before.until:
            return self
        after = Grant(at + window, count)
        return replace(self, by_message=after) if wrote else replace(self, by_act=after)

    def next_grant(self, now: datetime) -> Grant:
        """The grant of which the next message is taken: what ends first. Raises SendWindowClosed, SendQuotaReached."""
        if self.until(now) is None:
            raise SendWindowClosed
        for grant in (self.by_act, self.by_message):
            if grant.open_at(now) and grant.left:
                return grant
        raise SendQuotaReached

    def taken(self, now: datetime) -> "Quota":
        """The quota less one message. Raises SendWindowClosed, SendQuotaReached."""
        grant = self.next_grant(now)
        less = replace(grant, left=grant.left - 1)
        return replace(self, by_act=less) if grant is self.by_act else replace(self, by_message=less)

    def given_back(self, now: datetime) -> "Quota":
        """The quota with one message more, because one was certainly not delivered."""
        if self.by_message.open_at(now) and self.by_message.left < MESSAGE_QUOTA:
            return replace(self, by_message=replace(self.by_message, left=self.by_message.left + 1))
        if self.by_act.open_at(now) and self.by_act.left < ACT_QUOTA:
            return replace(self, by_act=replace(self.by_act, left=self.by_act.left + 1))
        return self

    def least(self, other: "Quota") -> "Quota":
        """What is certainly left where two counts were kept of one openid."""
        return Quota(self.by_message.least(other.by_message), self.by_act.least(other.by_act))

    def used_up(self) -> "Quota":
        """The platform says that nothing is left."""
        return Quota(replace(self.by_message, left=0), replace(self.by_act, left=0))
