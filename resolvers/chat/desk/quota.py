"""How many messages the platform lets us send to a person's chat app, and until when: counted per app and openid."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

from resolvers.errors import Refused

MESSAGE_WINDOW, MESSAGE_QUOTA = timedelta(hours=48), 5  # after the person wrote
ACT_WINDOW, ACT_QUOTA = timedelta(minutes=1), 3  # after a menu click, a scan, or following
IN_TIME = timedelta(seconds=5)  # then the platform pushes again what was not answered


class SendWindowClosed(Refused):
    """The person did nothing in the chat for so long that the platform takes no message for them."""

    code = "WINDOW_CLOSED"
    message = "顾客有一段时间没有联系了，平台暂时不让发送；请等顾客再次联系"


class SendQuotaReached(Refused):
    """As many messages were sent as the platform allows until the person writes again."""

    code = "QUOTA_REACHED"
    message = "已达到平台的发送条数上限，请等顾客回复"


class GrantKind(StrEnum):
    """What the platform lets us send for: what the person wrote, or did (clicked, scanned, followed)."""

    MESSAGE = "MESSAGE"
    ACT = "ACT"


_RULES = {GrantKind.MESSAGE: (MESSAGE_WINDOW, MESSAGE_QUOTA), GrantKind.ACT: (ACT_WINDOW, ACT_QUOTA)}


@dataclass(frozen=True, slots=True)
class TakenOf:
    """The grant that a message was taken of: there is one of a kind and an end. It may be sent until then."""

    kind: GrantKind
    until: datetime


@dataclass(frozen=True, slots=True)
class Grant:
    """So many messages may be sent until a moment; without one, none was ever granted."""

    kind: GrantKind
    until: datetime | None = None
    left: int = 0

    @property
    def since(self) -> datetime | None:
        """When the person wrote or did what it was granted for."""
        return self.until - _RULES[self.kind][0] if self.until is not None else None

    def open_at(self, now: datetime) -> bool:
        """Whether its time is not over."""
        return self.until is not None and now < self.until

    def since_by(self, moment: datetime) -> bool:
        """Whether it was granted by a moment."""
        return self.since is not None and self.since <= moment


@dataclass(frozen=True, slots=True)
class Quota:
    """What the platform lets us send to one openid of one app. `turns` counts what was ever taken of it."""

    by_message: Grant = field(default_factory=lambda: Grant(GrantKind.MESSAGE))
    by_act: Grant = field(default_factory=lambda: Grant(GrantKind.ACT))
    turns: int = 0

    def until(self, now: datetime) -> datetime | None:
        """Until when anything may be sent; None: nothing may."""
        ends = [each.until for each in self._grants if each.until is not None and each.open_at(now)]
        return max(ends) if ends else None

    def left(self, now: datetime) -> int:
        """How many messages may be sent now."""
        return sum(each.left for each in self._grants if each.open_at(now))

    def granted(self, kind: GrantKind, at: datetime, now: datetime, waiting: int = 0) -> "Quota":
        """The quota after the person wrote or did something at a moment, of which we learn now.

        So many messages as are `waiting`, taken of what was granted before for the same, will count of this one.
        What arrives late grants nothing anew. The platform says whole seconds: of two things in one second the second
        grants anew if it comes in time, for then the person did it after what was sent for the first.
        """
        known, (window, count) = self._grant(kind), _RULES[kind]
        if known.until is not None and at + window <= known.until:
            same_second = at + window == known.until
            if not same_second or now >= at + IN_TIME:
                return self
        return self._with(Grant(kind, at + window, max(0, count - waiting)))

    def taken(self, now: datetime) -> tuple["Quota", TakenOf]:
        """The quota less one message, of the grant that ends first. Raises SendWindowClosed, SendQuotaReached."""
        if self.until(now) is None:
            raise SendWindowClosed
        for grant in self._grants:
            if grant.until is not None and grant.open_at(now) and grant.left:
                less = self._with(replace(grant, left=grant.left - 1))
                return replace(less, turns=self.turns + 1), TakenOf(grant.kind, grant.until)
        raise SendQuotaReached

    def instead_of(self, taken: TakenOf) -> TakenOf:
        """The grant of which the platform counts a message that was taken of one: the newest of its kind."""
        newest = self._grant(taken.kind).until
        return taken if newest is None or newest <= taken.until else TakenOf(taken.kind, newest)

    def given_back(self, taken: TakenOf) -> "Quota":
        """The quota with one message more, because the one taken of this grant was certainly not delivered.

        A grant that has been replaced by a newer one gets nothing back: the platform counts anew, too.
        """
        grant = self._grant(taken.kind)
        if grant.until != taken.until:
            return self
        return self._with(replace(grant, left=min(grant.left + 1, _RULES[grant.kind][1])))

    def used_up(self, taken: TakenOf) -> "Quota":
        """The platform says that nothing is left: of the grant a message was taken of, and of what is no newer."""
        granted = taken.until - _RULES[taken.kind][0]
        spent = [replace(each, left=0) if each.since_by(granted) else each for each in self._grants]
        return self._with(*spent)

    def ended(self, at: datetime) -> "Quota":
        """The quota of who left at a moment: nothing of what was granted by then, all of what was since."""
        return self._with(*(Grant(each.kind) if each.since_by(at) else each for each in self._grants))

    @property
    def _grants(self) -> tuple[Grant, Grant]:
        return self.by_act, self.by_message

    def _grant(self, kind: GrantKind) -> Grant:
        return self.by_message if kind is GrantKind.MESSAGE else self.by_act

    def _with(self, *grants: Grant) -> "Quota":
        kinds = {each.kind: each for each in grants}
        by_message, by_act = kinds.get(GrantKind.MESSAGE, self.by_message), kinds.get(GrantKind.ACT, self.by_act)
        return replace(self, by_message=by_message, by_act=by_act)


def person_id(app_id: str, openid: str) -> str:
    """The id of a person in an app, by which their quota is counted."""
    return f"{app_id}:{openid}"
