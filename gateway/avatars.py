"""Serving customers' pictures: by an id made of what they show, so that a picture never changes under its address."""

from starlette.requests import Request
from starlette.responses import Response

from resolvers.app import App

_HEADERS = {
    "cache-control": "public, max-age=31536000, immutable",
    "x-content-type-options": "nosniff",
    "content-security-policy": "default-src 'none'; sandbox",
    "content-disposition": "inline",
}


class Avatars:
    """One process's pictures."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def __call__(self, request: Request) -> Response:
        """A picture, or 404."""
        picture_id = request.path_params["picture_id"]
        picture = await self._app.profiles.picture(picture_id) if len(picture_id) <= 64 else None
        if picture is None:
            return Response(status_code=404)
        return Response(picture.content, media_type=picture.media, headers=_HEADERS)
