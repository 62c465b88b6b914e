"""Settings: what is missing is named in one line without a value; what is unsafe does not go into production."""

import os
import secrets
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.settings import Settings, UnsafeSettings, load_settings
from tests.support.world import World

RANDOM = secrets.token_hex(32)
URLS = ("PUBLIC_URL", "WECHAT_API_URL", "WECHAT_PAY_URL", "QQ_API_URL", "QQ_PAY_URL", "QQ_PAY_API_URL")
SECRETS = (
    "KABAO_SECRET_KEY",
    "KABAO_WECHAT_APP_SECRET",
    "KABAO_WECHAT_PAY_API_V3_KEY",
    "KABAO_WECHAT_PAY_MERCHANT_KEY",
    "KABAO_QQ_APP_SECRET",
    "KABAO_QQ_PAY_KEY",
    "KABAO_QQ_PAY_OP_USER_PASSWORD",
    "MONGODB_URI",
)


@pytest.fixture
def environment(world: World, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """The environment of a good production process, to be made worse."""
    for name in list(os.environ):
        if name.startswith("KABAO_"):
            monkeypatch.delenv(name)
    for name, value in world.settings.items():
        monkeypatch.setenv(name, value)
    for name in URLS:
        monkeypatch.setenv(f"KABAO_{name}", "https://kabao.example.com")
    monkeypatch.setenv("KABAO_SECRET_KEY", RANDOM)
    monkeypatch.setenv("KABAO_ENVIRONMENT", "production")
    return monkeypatch


def complaint() -> str:
    """What the settings are refused with."""
    with pytest.raises(UnsafeSettings) as refused:
        load_settings()
    text = str(refused.value)
    assert "\n" not in text
    assert refused.value.__cause__ is None
    values = [value for name, value in os.environ.items() if name in SECRETS and value]
    assert [value for value in values if value in text] == []
    return text


def test_a_good_production_environment_is_taken(environment: pytest.MonkeyPatch) -> None:
    assert load_settings().environment == "production"


def test_every_missing_variable_is_named_in_one_line(environment: pytest.MonkeyPatch) -> None:
    for name in SECRETS:
        environment.delenv(name)
    text = complaint()
    assert [name for name in SECRETS if f"{name}: Field required" not in text] == []


def test_without_any_variable_all_that_are_needed_are_named(environment: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("KABAO_") or name == "MONGODB_URI":
            environment.delenv(name)
    text = complaint()
    for name in (*SECRETS, "KABAO_PUBLIC_URL", "KABAO_WECHAT_APP_ID", "KABAO_QQ_APP_ID"):
        assert name in text


@pytest.mark.parametrize("name", URLS)
@pytest.mark.parametrize("url", ["http://kabao.example.com", "ftp://x", "", "kabao.example.com"])
def test_production_speaks_https_only(environment: pytest.MonkeyPatch, name: str, url: str) -> None:
    environment.setenv(f"KABAO_{name}", url)
    assert f"KABAO_{name} must be https" in complaint()


def test_every_url_that_is_not_https_is_named_at_once(environment: pytest.MonkeyPatch) -> None:
    for name in URLS:
        environment.setenv(f"KABAO_{name}", "http://x")
    assert complaint().count("must be https") == len(URLS)


@pytest.mark.parametrize(
    "key",
    [
        "00" * 32,
        "ab" * 32,
        "deadbeef" * 8,
        bytes(range(32)).hex(),
        bytes(range(0, 64, 2)).hex(),
        secrets.token_hex(16) * 2,
    ],
    ids=["zeros", "one byte", "one word", "counting", "counting by twos", "said twice"],
)
def test_production_refuses_a_key_somebody_typed(environment: pytest.MonkeyPatch, key: str) -> None:
    environment.setenv("KABAO_SECRET_KEY", key)
    assert "KABAO_SECRET_KEY is not random" in complaint()


def test_random_keys_are_taken(environment: pytest.MonkeyPatch) -> None:
    for _ in range(200):
        environment.setenv("KABAO_SECRET_KEY", secrets.token_hex(32))
        assert len(load_settings().master_key) == 32


@pytest.mark.parametrize("kind", ["production", "development"])
@pytest.mark.parametrize(
    "key",
    ["", "ab", RANDOM[:62], "correct horse battery staple", "zz" * 32, RANDOM[:-1]],
    ids=["none", "short", "a byte short", "words", "no hex", "a digit short"],
)
def test_a_short_key_and_one_that_is_not_hex_work_nowhere(environment: pytest.MonkeyPatch, key: str, kind: str) -> None:
    environment.setenv("KABAO_ENVIRONMENT", kind)
    environment.setenv("KABAO_SECRET_KEY", key)
    assert "KABAO_SECRET_KEY must " in complaint()


@pytest.mark.parametrize("key", ["", "x" * 31, "x" * 33])
def test_the_key_of_wechat_pay_has_32_characters(environment: pytest.MonkeyPatch, key: str) -> None:
    environment.setenv("KABAO_WECHAT_PAY_API_V3_KEY", key)
    assert "KABAO_WECHAT_PAY_API_V3_KEY must have 32 characters" in complaint()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"OFFICIAL_AES_KEY": "x" * 42}, "KABAO_WECHAT_OFFICIAL_AES_KEY must have 43 letters and digits"),
        ({"MESSAGE_AES_KEY": "x" * 42 + "+"}, "KABAO_WECHAT_MESSAGE_AES_KEY must have 43 letters and digits"),
        ({"OFFICIAL_PREVIOUS_AES_KEY": "x"}, "KABAO_WECHAT_OFFICIAL_PREVIOUS_AES_KEY must have 43"),
        (
            {"MESSAGE_AES_KEY": "", "MESSAGE_PREVIOUS_AES_KEY": "x" * 43},
            "KABAO_WECHAT_MESSAGE_AES_KEY is needed beside the previous one",
        ),
        ({"MESSAGE_TOKEN": ""}, "KABAO_WECHAT_MESSAGE_TOKEN is needed beside the AES key"),
        ({"OFFICIAL_APP_SECRET": ""}, "KABAO_WECHAT_OFFICIAL_APP_SECRET go together"),
    ],
)
def test_half_a_chat_is_refused(environment: pytest.MonkeyPatch, change: dict[str, str], said: str) -> None:
    for name, value in change.items():
        environment.setenv(f"KABAO_WECHAT_{name}", value)
    assert said in complaint()


def test_without_any_chat_settings_there_is_no_chat(environment: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith(("KABAO_WECHAT_MESSAGE", "KABAO_WECHAT_OFFICIAL")):
            environment.delenv(name)
    settings = load_settings()
    assert (settings.wechat_official_app_id, settings.callback_keys("wechat_message")) == ("", ())


def test_an_unknown_environment_is_refused_rather_than_taken_for_development(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("KABAO_ENVIRONMENT", "prod")
    assert "KABAO_ENVIRONMENT must be development or production" in complaint()


def test_the_means_to_verify_wechat_pay_are_needed(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("KABAO_WECHAT_PAY_PUBLIC_KEY", "")
    environment.setenv("KABAO_WECHAT_PAY_CERTIFICATES", "")
    assert "KABAO_WECHAT_PAY_PUBLIC_KEY or KABAO_WECHAT_PAY_CERTIFICATES is needed" in complaint()


def test_an_unknown_driver_is_refused_without_being_repeated(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("KABAO_DRIVER", "mongoose")
    text = complaint()
    assert "KABAO_DRIVER" in text
    assert "mongoose" not in text


def test_development_may_speak_http(world: World, environment: pytest.MonkeyPatch) -> None:
    environment.setenv("KABAO_ENVIRONMENT", "development")
    environment.setenv("KABAO_PUBLIC_URL", "http://127.0.0.1:8000")
    assert load_settings().public_url == "http://127.0.0.1:8000"


def test_no_secret_shows_in_any_text_of_the_settings(environment: pytest.MonkeyPatch) -> None:
    settings = load_settings()
    for text in (
        repr(settings),
        str(settings),
        f"{settings!r:}",
        settings.model_dump_json(),
        repr(settings.model_dump()),
    ):
        assert [name for name in SECRETS if os.environ[name] in text] == []
    assert isinstance(settings, Settings)


def test_the_process_says_so_in_one_line_and_ends(environment: pytest.MonkeyPatch) -> None:
    environment.delenv("KABAO_QQ_PAY_KEY")
    ended = subprocess.run(
        [sys.executable, "-m", "gateway"], capture_output=True, text=True, timeout=30, cwd=Path(__file__).parents[2]
    )
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr == "gateway: KABAO_QQ_PAY_KEY: Field required\n"
