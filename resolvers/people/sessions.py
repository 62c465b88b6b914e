"""Going on with a session and ending it: refresh tokens rotate, and one that is used twice ends its family."""

from datetime import datetime

from resolvers.app import App
from resolvers.people.model import (
    REFRESH_GRACE,
    REFRESH_LIFE,
    Audience,
    RefreshInvalid,
    Session,
    read_refresh_token,
    refresh_token,
)
from resolvers.people.sign_in import Signed


async def refresh(app: App, token: str, audience: Audience) -> Signed:
    """Exchange a refresh token for its successor.

    Asked again with the same token within REFRESH_GRACE (a lost answer), the same successor is answered; later, the
    token was stolen from one side or the other, and the whole family ends. Raises RefreshInvalid.
    """
    key = app.vault.key("refresh")
    session_id, generation = read_refresh_token(key, token)
    now = app.clock.now()
    session = await app.people.session(session_id)
    if session is None or session.audience is not audience or _is_over(session, now):
        raise RefreshInvalid
    if generation == session.generation:
        rotated = await app.people.rotate(session_id, generation, now, now + REFRESH_LIFE)
        session = rotated or await app.people.session(session_id)
    if session is None or _is_over(session, now):
        raise RefreshInvalid
    if generation != session.generation - 1 or now - session.rotated_at > REFRESH_GRACE:
        await _end(app, session_id)
        raise RefreshInvalid
    return Signed(session, refresh_token(key, session_id, session.generation))


async def sign_out(app: App, token: str) -> bool:
    """End the session a refresh token belongs to, however old the token; False when there is nothing to end."""
    try:
        session_id, _ = read_refresh_token(app.vault.key("refresh"), token)
    except RefreshInvalid:
        return False
    session: Session | None = await app.people.session(session_id)
    if session is None:
        return False
    await _end(app, session_id)
    return True


def _is_over(session: Session, now: datetime) -> bool:
    return session.ended_at is not None or session.joined_at is not None or session.expires_at <= now


async def _end(app: App, session_id: str) -> None:
    now = app.clock.now()
    await app.people.end_session(session_id, now)
    app.hub.end_session(session_id, now)
