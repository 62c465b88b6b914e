"""Putting the application together from a connection and the ports: what the gateway, scripts and tests all use."""

from collections.abc import Mapping

from resolvers.app import App
from resolvers.brands.store import BrandStore
from resolvers.cards.gift_cards import capture_gift_cards
from resolvers.cards.store import CardStore
from resolvers.cards.top_up import capture_top_up
from resolvers.chat.desk.store import DeskStore
from resolvers.chat.incoming.store import IncomingStore
from resolvers.chat.links.store import LinkStore
from resolvers.chat.menus.store import ButtonMenuStore
from resolvers.chat.messages.store import MessageStore
from resolvers.chat.replies.store import ReplyStore
from resolvers.coupons.buy import capture_coupons
from resolvers.coupons.sold import give_pieces_back
from resolvers.coupons.store import CouponStore
from resolvers.gifts.store import GiftStore
from resolvers.incidents.store import IncidentStore
from resolvers.ledger.store import LedgerStore
from resolvers.live.hub import Hub
from resolvers.live.store import LiveStore
from resolvers.mongo import Connection
from resolvers.ordering.capture import capture_order, release_order
from resolvers.ordering.refund import refund_settled
from resolvers.ordering.store import MenuStore, OrderStore
from resolvers.outbox.store import OutboxStore
from resolvers.payments.model import PaymentMethod, Purpose
from resolvers.payments.store import PaymentStore
from resolvers.people.joining.store import JoiningStore
from resolvers.people.pay_password.store import PayPasswordStore
from resolvers.people.profile.store import ProfileStore
from resolvers.people.staff.store import StaffStore
from resolvers.people.store import PeopleStore
from resolvers.ports import AccessTokens, ChatPlatform, Clock, Platform
from resolvers.ports_chat import Channel
from resolvers.ports_payment import PaymentProvider
from resolvers.tables.store import TableStore
from resolvers.till.store import TillStore
from resolvers.vault import Vault
from resolvers.work.run import Runner
from resolvers.work.store import WorkStore


def assemble(
    connection: Connection,
    clock: Clock,
    vault: Vault,
    tokens: AccessTokens,
    platforms: Mapping[tuple[Platform, str], ChatPlatform],
    providers: Mapping[PaymentMethod, PaymentProvider],
    channels: Mapping[str, Channel],
    public_url: str = "",
) -> App:
    """The application on a connection."""
    live, outbox, work_store = LiveStore(connection), OutboxStore(connection), WorkStore(connection)
    return App(
        connection=connection,
        clock=clock,
        vault=vault,
        work=Runner(connection, work_store, live, outbox, clock, vault.key("fingerprint")),
        work_store=work_store,
        people=PeopleStore(connection),
        staff=StaffStore(connection),
        pay_passwords=PayPasswordStore(connection),
        joining=JoiningStore(connection),
        profiles=ProfileStore(connection),
        brands=BrandStore(connection),
        ledger=LedgerStore(connection),
        cards=CardStore(connection),
        payments=PaymentStore(connection),
        coupons=CouponStore(connection),
        menus=MenuStore(connection),
        orders=OrderStore(connection),
        tables=TableStore(connection),
        gifts=GiftStore(connection),
        till=TillStore(connection),
        conversations=DeskStore(connection),
        reply_rules=ReplyStore(connection),
        button_menus=ButtonMenuStore(connection),
        callbacks=IncomingStore(connection),
        live=live,
        outbox=outbox,
        incidents=IncidentStore(connection),
        messages=MessageStore(connection),
        links=LinkStore(connection),
        hub=Hub(connection),
        tokens=tokens,
        platforms=platforms,
        providers=providers,
        channels=channels,
        capture={
            Purpose.TOP_UP: capture_top_up,
            Purpose.GIFT_CARDS: capture_gift_cards,
            Purpose.ORDER: capture_order,
            Purpose.COUPONS: capture_coupons,
        },
        release={Purpose.ORDER: release_order, Purpose.COUPONS: give_pieces_back},
        refund_settled=refund_settled,
        public_url=public_url,
    )
