"""The application: every store, port and shared part, put together once per process and handed to each verb."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from resolvers.brands.store import BrandStore
from resolvers.cards.store import CardStore
from resolvers.chat.desk.store import DeskStore
from resolvers.chat.incoming.store import IncomingStore
from resolvers.chat.links.store import LinkStore
from resolvers.chat.menus.store import ButtonMenuStore
from resolvers.chat.messages.store import MessageStore
from resolvers.chat.replies.store import ReplyStore
from resolvers.coupons.store import CouponStore
from resolvers.gifts.store import GiftStore
from resolvers.incidents.store import IncidentStore
from resolvers.ledger.store import LedgerStore
from resolvers.live.hub import Hub
from resolvers.live.store import LiveStore
from resolvers.mongo import Connection
from resolvers.ordering.store import MenuStore, OrderStore
from resolvers.outbox.store import OutboxStore
from resolvers.payments.model import Payment, PaymentMethod, Purpose
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
from resolvers.work.unit import Work

Capture = Callable[["App", Work, Payment], Awaitable[bool]]
Release = Callable[["App", Work, Payment], Awaitable[None]]
RefundSettled = Callable[["App", Work, Payment, int], Awaitable[None]]


@dataclass(frozen=True)
class App:
    """What verbs work with.

    `capture`, `release` and `refund_settled` are what a payment's end means to what it was for; they are given from
    outside so that payments need not know orders and cards.
    """

    connection: Connection
    clock: Clock
    vault: Vault
    work: Runner
    work_store: WorkStore
    people: PeopleStore
    staff: StaffStore
    pay_passwords: PayPasswordStore
    joining: JoiningStore
    profiles: ProfileStore
    brands: BrandStore
    ledger: LedgerStore
    cards: CardStore
    payments: PaymentStore
    coupons: CouponStore
    menus: MenuStore
    orders: OrderStore
    tables: TableStore
    gifts: GiftStore
    till: TillStore
    conversations: DeskStore
    reply_rules: ReplyStore
    button_menus: ButtonMenuStore
    callbacks: IncomingStore
    live: LiveStore
    outbox: OutboxStore
    incidents: IncidentStore
    messages: MessageStore
    links: LinkStore
    hub: Hub
    tokens: AccessTokens
    platforms: Mapping[tuple[Platform, str], ChatPlatform]
    providers: Mapping[PaymentMethod, PaymentProvider]
    channels: Mapping[str, Channel]
    capture: Mapping[Purpose, Capture]
    release: Mapping[Purpose, Release]
    refund_settled: RefundSettled
    public_url: str = ""

    async def ensure_indexes(self) -> None:
        """Declare every index; safe to repeat."""
        for store in (
            self.work_store,
            self.people,
            self.staff,
            self.pay_passwords,
            self.joining,
            self.profiles,
            self.brands,
            self.ledger,
            self.cards,
            self.payments,
            self.coupons,
            self.menus,
            self.orders,
            self.tables,
            self.gifts,
            self.till,
            self.conversations,
            self.reply_rules,
            self.button_menus,
            self.callbacks,
            self.live,
            self.outbox,
            self.incidents,
            self.messages,
            self.links,
        ):
            await store.ensure_indexes()
