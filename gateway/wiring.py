"""The one place that knows every concrete class: from settings to a running application."""

from collections.abc import Mapping
from dataclasses import dataclass

from gateway.access_tokens import JwtAccessTokens
from gateway.callbacks.endpoint import Door
from gateway.clock import SystemClock
from gateway.outgoing import Outgoing
from gateway.qq import QQ
from gateway.qq_wallet import QQWallet
from gateway.settings import Settings
from gateway.wechat import WeChat
from gateway.wechat_pay import WeChatPay
from gateway.wechat_pay_crypto import Merchant, Verifier
from gateway.wechat_service import WeChatService
from resolvers.app import App
from resolvers.assemble import assemble
from resolvers.chat.tokens.store import TokenStore
from resolvers.mongo import Connection
from resolvers.payments.model import PaymentMethod
from resolvers.ports import Clock, Platform
from resolvers.ports_chat import Channel
from resolvers.vault import Vault


@dataclass(frozen=True)
class Wired:
    """The application with what only the gateway needs of it."""

    app: App
    tokens: JwtAccessTokens
    wechat_pay: WeChatPay
    qq_wallet: QQWallet
    outgoing: Outgoing
    doors: Mapping[str, Door]

    async def close(self) -> None:
        """Let go of everything that was opened."""
        await self.outgoing.close()
        await self.app.connection.close()


def wire(settings: Settings, clock: Clock | None = None) -> Wired:
    """Put it all together; opens no connection yet."""
    clock = clock or SystemClock()
    outgoing = Outgoing()
    vault = Vault(settings.master_key)
    tokens = JwtAccessTokens(vault, clock)
    connection = Connection(settings.mongodb_uri.get_secret_value(), settings.database, settings.driver)
    platform_tokens = TokenStore(connection, vault)
    wechat = WeChat(
        outgoing,
        clock,
        platform_tokens,
        settings.wechat_api_url,
        settings.wechat_app_id,
        settings.wechat_app_secret.get_secret_value(),
        settings.wechat_program_state,
    )
    qq = QQ(
        outgoing,
        clock,
        platform_tokens,
        settings.qq_api_url,
        settings.qq_app_id,
        settings.qq_app_secret.get_secret_value(),
    )
    wechat_pay = _wechat_pay(settings, outgoing, clock)
    qq_wallet = QQWallet(
        outgoing,
        settings.qq_pay_url,
        settings.qq_pay_api_url,
        settings.qq_app_id,
        settings.qq_pay_mch_id,
        settings.qq_pay_key.get_secret_value(),
        settings.qq_pay_op_user_id,
        settings.qq_pay_op_user_password.get_secret_value(),
        settings.public_url,
    )
    app = assemble(
        connection,
        clock,
        vault,
        tokens,
        {(Platform.WECHAT, settings.wechat_app_id): wechat, (Platform.QQ, settings.qq_app_id): qq},
        {PaymentMethod.WECHAT_PAY: wechat_pay, PaymentMethod.QQ_WALLET: qq_wallet},
        _channels(settings, outgoing, clock, platform_tokens, wechat),
        settings.public_url,
    )
    return Wired(app, tokens, wechat_pay, qq_wallet, outgoing, _doors(settings))


def _channels(
    settings: Settings, outgoing: Outgoing, clock: Clock, tokens: TokenStore, wechat: WeChat
) -> dict[str, Channel]:
    """The apps through which people write: the mini-program, and the official account if there is one.

    Each has one token, whoever uses it: what fetches a token of its own would end the other's.
    """
    url, app_id, official_id = settings.wechat_api_url, settings.wechat_app_id, settings.wechat_official_app_id
    found = {app_id: Channel(app_id, False, WeChatService(outgoing, url, wechat.token))}
    if official_id:
        secret = settings.wechat_official_app_secret.get_secret_value()
        account = WeChat(outgoing, clock, tokens, url, official_id, secret)
        service = WeChatService(outgoing, url, account.token, card_app_id=app_id)
        found[official_id] = Channel(official_id, True, service)
    return found


def _doors(settings: Settings) -> dict[str, Door]:
    """The apps whose callbacks are served: those with a token."""
    doors = [
        Door(app_id, token.get_secret_value(), settings.callback_keys(name), plain_allowed)
        for name, app_id, token, plain_allowed in (
            (
                "wechat_message",
                settings.wechat_app_id,
                settings.wechat_message_token,
                settings.wechat_message_plain_allowed,
            ),
            (
                "wechat_official",
                settings.wechat_official_app_id,
                settings.wechat_official_token,
                settings.wechat_official_plain_allowed,
            ),
        )
        if app_id and token.get_secret_value()
    ]
    return {door.app_id: door for door in doors}


def _wechat_pay(settings: Settings, outgoing: Outgoing, clock: Clock) -> WeChatPay:
    return WeChatPay(
        outgoing,
        clock,
        settings.wechat_pay_url,
        settings.wechat_app_id,
        settings.wechat_pay_mchid,
        Merchant(
            settings.wechat_pay_mchid,
            settings.wechat_pay_merchant_serial,
            settings.wechat_pay_merchant_key.get_secret_value(),
        ),
        Verifier(settings.wechat_pay_public_key_id, settings.wechat_pay_public_key, settings.wechat_pay_certificates),
        settings.wechat_pay_api_v3_key.get_secret_value(),
        settings.wechat_pay_public_key_id if settings.wechat_pay_public_key else "",
        settings.public_url,
    )
