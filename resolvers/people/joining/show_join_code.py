"""Showing a join code: what is typed into one's other account to join it with this one."""

from dataclasses import dataclass, field
from datetime import datetime

from resolvers.app import App
from resolvers.people.joining.model import CODE_LIFE, JoinCode, new_join_code
from resolvers.people.model import SignedIn
from resolvers.people.pay_password.check import FIELD, guess
from resolvers.people.pay_password.model import PayPasswordRequired


@dataclass(frozen=True, slots=True)
class ShownJoinCode:
    """The code, and until when it is good."""

    code: str = field(repr=False)
    expires_at: datetime


async def show_join_code(app: App, person: SignedIn, pay_password: str | None) -> ShownJoinCode:
    """A code that lets another account be joined with this one, once within ten minutes; a new one kills the last.

    Needs the pay password when one is set. Raises PayPasswordRequired, PayPasswordWrong, PayPasswordLocked.
    """
    if await app.pay_passwords.pay_password(person.customer_id) is not None:
        if not pay_password:
            raise PayPasswordRequired(field=FIELD)
        await guess(app, person.customer_id, pay_password)
    code, expires_at = new_join_code(), app.clock.now() + CODE_LIFE
    await app.joining.put_code(JoinCode(person.customer_id, app.vault.mac("join_code", code), expires_at))
    return ShownJoinCode(code, expires_at)
