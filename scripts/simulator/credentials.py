"""The keys of the simulated merchant and platforms: made once, kept in the data folder, read again at each start."""

import os
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import NameOID

from scripts.simulator.crypto import random_digits, random_text

CERTIFICATE_LIFE = timedelta(days=5 * 365)


@dataclass(frozen=True)
class Credentials:
    """Everything a merchant finds in the platforms' consoles, and the platforms' own private keys."""

    wechat_app_id: str
    wechat_app_secret: str
    wechat_mch_id: str
    merchant_serial: str
    merchant_key: rsa.RSAPrivateKey
    api_v3_key: str
    public_key_id: str
    public_key_pair: rsa.RSAPrivateKey
    certificate_pair: rsa.RSAPrivateKey
    certificate: x509.Certificate
    qq_app_id: str
    qq_app_secret: str
    qq_mch_id: str
    qq_key: str
    qq_op_user_id: str
    qq_op_user_password: str
    salt: str
    official_app_id: str
    official_app_secret: str
    official_token: str
    official_aes_key: str
    message_token: str
    message_aes_key: str

    @property
    def certificate_serial(self) -> str:
        """Upper-case hex, as the platform writes it."""
        return f"{self.certificate.serial_number:X}"

    @property
    def certificate_pem(self) -> str:
        return self.certificate.public_bytes(Encoding.PEM).decode()


def load_credentials(folder: Path) -> Credentials:
    """The credentials kept in `folder`, made there first when it has none."""
    path = folder / "credentials.json"
    if path.exists():
        kept: dict[str, str] = orjson.loads(path.read_bytes())
        if missing := {name: value for name, value in _chat().items() if name not in kept}:
            _write_private(path, kept := kept | missing)  # of a folder from before there were callbacks
        return _from_json(kept)
    credentials = _make()
    _write_private(path, _to_json(credentials))
    return credentials


def write_gateway_settings(folder: Path, base_url: str, credentials: Credentials) -> Path:
    """Write `gateway-settings.json`: environment variable -> value, as a merchant would copy them from the consoles."""
    path = folder / "gateway-settings.json"
    _write_private(path, gateway_settings(base_url, credentials))
    return path


def gateway_settings(base_url: str, credentials: Credentials) -> dict[str, str]:
    """Both kinds of platform key are always given: during a switch of modes both occur on the wire."""
    return {
        "KABAO_WECHAT_API_URL": f"{base_url}/wechat",
        "KABAO_WECHAT_APP_ID": credentials.wechat_app_id,
        "KABAO_WECHAT_APP_SECRET": credentials.wechat_app_secret,
        "KABAO_WECHAT_MESSAGE_TOKEN": credentials.message_token,
        "KABAO_WECHAT_MESSAGE_AES_KEY": credentials.message_aes_key,
        "KABAO_WECHAT_OFFICIAL_APP_ID": credentials.official_app_id,
        "KABAO_WECHAT_OFFICIAL_APP_SECRET": credentials.official_app_secret,
        "KABAO_WECHAT_OFFICIAL_TOKEN": credentials.official_token,
        "KABAO_WECHAT_OFFICIAL_AES_KEY": credentials.official_aes_key,
        "KABAO_WECHAT_PAY_URL": f"{base_url}/wechatpay",
        "KABAO_WECHAT_PAY_MCHID": credentials.wechat_mch_id,
        "KABAO_WECHAT_PAY_MERCHANT_SERIAL": credentials.merchant_serial,
        "KABAO_WECHAT_PAY_MERCHANT_KEY": _private_pem(credentials.merchant_key),
        "KABAO_WECHAT_PAY_API_V3_KEY": credentials.api_v3_key,
        "KABAO_WECHAT_PAY_PUBLIC_KEY_ID": credentials.public_key_id,
        "KABAO_WECHAT_PAY_PUBLIC_KEY": _public_pem(credentials.public_key_pair),
        "KABAO_WECHAT_PAY_CERTIFICATES": credentials.certificate_pem,
        "KABAO_QQ_API_URL": f"{base_url}/qq",
        "KABAO_QQ_APP_ID": credentials.qq_app_id,
        "KABAO_QQ_APP_SECRET": credentials.qq_app_secret,
        "KABAO_QQ_PAY_URL": f"{base_url}/qpay",
        "KABAO_QQ_PAY_API_URL": f"{base_url}/qpayapi",
        "KABAO_QQ_PAY_MCH_ID": credentials.qq_mch_id,
        "KABAO_QQ_PAY_KEY": credentials.qq_key,
        "KABAO_QQ_PAY_OP_USER_ID": credentials.qq_op_user_id,
        "KABAO_QQ_PAY_OP_USER_PASSWORD": credentials.qq_op_user_password,
    }


def _make() -> Credentials:
    certificate_pair = _new_key()
    wechat_mch_id = "19" + random_digits(8)
    qq_mch_id = "14" + random_digits(8)
    return Credentials(
        wechat_app_id="wx" + secrets.token_hex(8),
        wechat_app_secret=secrets.token_hex(16),
        wechat_mch_id=wechat_mch_id,
        merchant_serial=secrets.token_hex(20).upper(),
        merchant_key=_new_key(),
        api_v3_key=random_text(32),
        public_key_id="PUB_KEY_ID_0" + wechat_mch_id + random_digits(17),
        public_key_pair=_new_key(),
        certificate_pair=certificate_pair,
        certificate=_self_signed(certificate_pair),
        qq_app_id="11" + random_digits(8),
        qq_app_secret=random_text(16),
        qq_mch_id=qq_mch_id,
        qq_key=secrets.token_hex(16),
        qq_op_user_id=qq_mch_id + "001",
        qq_op_user_password=random_text(12),
        salt=secrets.token_hex(16),
        **_chat(),
    )


def _chat() -> dict[str, str]:
    """What the consoles of the official account and of the mini-program say about message push."""
    return {
        "official_app_id": "wx" + secrets.token_hex(8),
        "official_app_secret": secrets.token_hex(16),
        "official_token": random_text(24),
        "official_aes_key": random_text(43),
        "message_token": random_text(24),
        "message_aes_key": random_text(43),
    }


def _new_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def _self_signed(key: rsa.RSAPrivateKey) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Simulated payment platform")])
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + CERTIFICATE_LIFE)
        .sign(key, SHA256())
    )


def _private_pem(key: rsa.RSAPrivateKey) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def _public_pem(key: rsa.RSAPrivateKey) -> str:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def _to_json(credentials: Credentials) -> dict[str, str]:
    values: dict[str, str] = {}
    for name, value in vars(credentials).items():
        if isinstance(value, rsa.RSAPrivateKey):
            values[name] = _private_pem(value)
        elif isinstance(value, x509.Certificate):
            values[name] = value.public_bytes(Encoding.PEM).decode()
        else:
            values[name] = value
    return values


def _from_json(values: dict[str, str]) -> Credentials:
    read: dict[str, Any] = dict(values)
    for name in ("merchant_key", "public_key_pair", "certificate_pair"):
        read[name] = load_pem_private_key(values[name].encode(), None)
    read["certificate"] = x509.load_pem_x509_certificate(values["certificate"].encode())
    return Credentials(**read)


def _write_private(path: Path, values: dict[str, str]) -> None:
    """Written beside and moved into place, so that a reader never sees half a file."""
    draft = path.with_suffix(".tmp")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(orjson.dumps(values, option=orjson.OPT_INDENT_2))
    draft.replace(path)
