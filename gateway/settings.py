"""Settings: typed, from the environment, secrets never printed; production refuses unsafe ones."""

import itertools
from typing import Literal, Self

from pydantic import Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from resolvers.mongo import Driver

SECRET_BYTES = 32  # of the master key


class UnsafeSettings(Exception):
    """Production settings that would be unsafe; the message names every one of them, never a value."""


class Settings(BaseSettings):
    """What the gateway is told from outside. `KABAO_SECRET_KEY` is 64 hex digits."""

    model_config = SettingsConfigDict(env_prefix="KABAO_", extra="ignore", hide_input_in_errors=True)

    environment: str = "development"
    mongodb_uri: SecretStr = Field(validation_alias="MONGODB_URI")
    database: str = "kabao"
    driver: Driver = Driver.MOTOR
    public_url: str
    secret_key: SecretStr
    log_level: str = "INFO"

    wechat_api_url: str
    wechat_app_id: str
    wechat_app_secret: SecretStr
    wechat_program_state: Literal["developer", "trial", "formal"] = "formal"
    wechat_message_token: SecretStr = SecretStr("")
    wechat_message_aes_key: SecretStr = SecretStr("")
    wechat_message_previous_aes_key: SecretStr = SecretStr("")
    wechat_message_plain_allowed: bool = False
    wechat_official_app_id: str = ""
    wechat_official_app_secret: SecretStr = SecretStr("")
    wechat_official_token: SecretStr = SecretStr("")
    wechat_official_aes_key: SecretStr = SecretStr("")
    wechat_official_previous_aes_key: SecretStr = SecretStr("")
    wechat_official_plain_allowed: bool = False
    wechat_pay_url: str
    wechat_pay_mchid: str
    wechat_pay_merchant_serial: str
    wechat_pay_merchant_key: SecretStr
    wechat_pay_api_v3_key: SecretStr
    wechat_pay_public_key_id: str = ""
    wechat_pay_public_key: str = ""
    wechat_pay_certificates: str = ""

    qq_api_url: str
    qq_app_id: str
    qq_app_secret: SecretStr
    qq_pay_url: str
    qq_pay_api_url: str
    qq_pay_mch_id: str
    qq_pay_key: SecretStr
    qq_pay_op_user_id: str
    qq_pay_op_user_password: SecretStr

    @property
    def master_key(self) -> bytes:
        """The key from which all others are derived."""
        return bytes.fromhex(self.secret_key.get_secret_value())

    @model_validator(mode="after")
    def check(self) -> Self:
        """Refuse what cannot work anywhere, and in production what would be unsafe. Raises ValueError."""
        if self.environment not in ("development", "production"):
            raise ValueError("KABAO_ENVIRONMENT must be development or production")
        try:
            size = len(self.master_key)
        except ValueError as error:
            raise ValueError("KABAO_SECRET_KEY must be hex digits") from error
        if size < SECRET_BYTES:
            raise ValueError(f"KABAO_SECRET_KEY must have at least {SECRET_BYTES * 2} hex digits")
        if not self.wechat_pay_public_key and not self.wechat_pay_certificates:
            raise ValueError("KABAO_WECHAT_PAY_PUBLIC_KEY or KABAO_WECHAT_PAY_CERTIFICATES is needed")
        self._check_chat()
        if self.environment == "production":
            self._check_production()
        return self

    def _check_chat(self) -> None:
        for name in ("wechat_message", "wechat_official"):
            for which in ("aes_key", "previous_aes_key"):
                key = getattr(self, f"{name}_{which}").get_secret_value()
                if key and (len(key) != 43 or not key.isascii() or not key.isalnum()):
                    raise ValueError(f"KABAO_{name.upper()}_{which.upper()} must have 43 letters and digits")
            current, previous = self._chat_keys(name)
            if previous and not current:
                raise ValueError(f"KABAO_{name.upper()}_AES_KEY is needed beside the previous one")
            if current and not getattr(self, f"{name}_token").get_secret_value():
                raise ValueError(f"KABAO_{name.upper()}_TOKEN is needed beside the AES key")
        if bool(self.wechat_official_app_id) != bool(self.wechat_official_app_secret.get_secret_value()):
            raise ValueError("KABAO_WECHAT_OFFICIAL_APP_ID and KABAO_WECHAT_OFFICIAL_APP_SECRET go together")

    def _chat_keys(self, name: str) -> list[str]:
        return [getattr(self, f"{name}_{which}").get_secret_value() for which in ("aes_key", "previous_aes_key")]

    def callback_keys(self, name: str) -> tuple[str, ...]:
        """The EncodingAESKeys of `wechat_message` or `wechat_official`, the present one first; none: plain mode."""
        return tuple(key for key in self._chat_keys(name) if key)

    def _check_production(self) -> None:
        unsafe = [
            f"KABAO_{name.upper()} must be https"
            for name in (
                "public_url",
                "wechat_api_url",
                "wechat_pay_url",
                "qq_api_url",
                "qq_pay_url",
                "qq_pay_api_url",
            )
            if not getattr(self, name).startswith("https://")
        ]
        if not looks_random(self.master_key):
            unsafe.append("KABAO_SECRET_KEY is not random")
        if len(self.wechat_pay_api_v3_key.get_secret_value()) != 32:
            unsafe.append("KABAO_WECHAT_PAY_API_V3_KEY must have 32 characters")
        if unsafe:
            raise ValueError("; ".join(unsafe))


def looks_random(key: bytes) -> bool:
    """False for what somebody typed: all zeros, a word said twice, digits that count up.

    32 random bytes have 30 different ones; fewer than 16 would happen once in 10^12 keys.
    """
    said_twice = key in (key + key)[1:-1]
    steps = {(after - before) % 256 for before, after in itertools.pairwise(key)}
    return len(set(key)) >= 16 and not said_twice and len(steps) >= 8


def load_settings() -> Settings:
    """The settings of this process. Raises UnsafeSettings with one line that names what is missing or wrong."""
    try:
        return Settings.model_validate({})
    except ValidationError as error:
        problems = []
        for each in error.errors(include_input=False, include_url=False):
            name = "_".join(str(part) for part in each["loc"]).upper()
            prefixed = name if name in ("", "MONGODB_URI") else f"KABAO_{name}"
            problems.append(f"{prefixed}: {each['msg']}" if prefixed else each["msg"])
        raise UnsafeSettings("; ".join(problems)) from None
