"""Menus of official accounts in MongoDB, one per brand."""

from resolvers.chat.menus.model import ButtonMenu
from resolvers.documents import from_document, to_document
from resolvers.mongo import Connection, Session


class ButtonMenuStore:
    """Reads and writes the one menu of a brand."""

    def __init__(self, connection: Connection) -> None:
        self._menus = connection.collection("button_menus")

    async def ensure_indexes(self) -> None:
        """There are none but `_id`."""

    async def menu(self, brand_id: str, session: Session | None = None) -> ButtonMenu | None:
        """The menu of a brand."""
        document = await self._menus.find_one({"_id": brand_id}, session=session)
        return from_document(ButtonMenu, document) if document else None

    async def put(self, session: Session | None, menu: ButtonMenu) -> None:
        """Write a menu as given."""
        await self._menus.replace_one({"_id": menu.id}, to_document(menu), upsert=True, session=session)
