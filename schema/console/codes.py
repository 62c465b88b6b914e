"""Mini-program codes that staff print: for a table, a store, a coupon."""

from typing import Annotated

import strawberry

from resolvers.chat.links.make import Way
from resolvers.chat.links.model import Scene
from schema.console.errors import StaffError
from schema.enums import Platform, SceneKind
from schema.scalars import DateTime, in_base64


@strawberry.input(description="What the code is to lead to. One of the brand's own things.")
class MakeCodeInput:
    """What making a code needs."""

    kind: SceneKind = strawberry.field(description="TABLE, STORE or COUPON.")
    id: strawberry.ID = strawberry.field(description="Of a table its code; else the id of the store or template.")
    platform: Platform = strawberry.field(description="Whose code: WECHAT. QQ makes none.", default=Platform.WECHAT)
    width: int = strawberry.field(description="In pixels: 280 to 1280.", default=430)

    def scene(self) -> Scene:
        """As the core takes it."""
        return Scene(self.kind, self.id)


@strawberry.type(description="The code, to be printed, and a link that opens the same page.")
class MakeCodeSuccess:
    """A code and a link."""

    scene: str = strawberry.field(description="What the code says: at most 32 characters, signed.")
    image: str = strawberry.field(description="The code, base64.")
    content_type: str = strawberry.field(description="Of the image, such as image/jpeg.")
    url_link: str | None = strawberry.field(description="Opens the page from a browser or an SMS.")
    url_expires_at: DateTime | None = strawberry.field(description="Until when the link is good.")


MakeCodeResult = Annotated[
    MakeCodeSuccess | StaffError, strawberry.union("MakeCodeResult", description="It went well, or the reason why not.")
]


def show_code(way: Way) -> MakeCodeSuccess:
    """A code as staff see it."""
    code = way.code
    return MakeCodeSuccess(
        scene=way.scene,
        image=in_base64(code.image) if code else "",
        content_type=code.content_type if code else "",
        url_link=way.url,
        url_expires_at=way.url_expires_at,
    )
