"""Sign-in of staff: username and password, guesses counted before they are compared."""

from resolvers.app import App
from resolvers.people.model import Audience, Locked, SignInFailed, Staff
from resolvers.people.sign_in import Signed, open_session

MAXIMUM_PASSWORD = 200  # characters


async def staff_sign_in(app: App, username: str, password: str) -> tuple[Staff, Signed]:
    """Open a session for a member of staff. Raises SignInFailed, Locked."""
    now = app.clock.now()
    staff = await app.staff.named(username) if len(username) <= MAXIMUM_PASSWORD else None
    counted = None
    if staff is not None and staff.active:
        counted = await app.staff.count_try(staff.id, now)
        if counted is None:
            raise Locked(retry_at=staff.locked_until)
    stored = counted.password_hash if counted else None
    if not await app.vault.password_matches(stored, password[:MAXIMUM_PASSWORD]) or counted is None:
        raise SignInFailed
    await app.staff.forget_tries(counted.id)
    return counted, await open_session(app, Audience.STAFF, counted.id)
