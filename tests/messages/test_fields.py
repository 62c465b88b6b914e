"""What goes into the fields of a template: within the platform's limits, and never saying something else."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resolvers.chat.messages.fields import fit, shortened, units
from resolvers.chat.messages.model import FieldKind, MessageEvent, MessageTemplate, TemplateField
from resolvers.ports import Platform
from scripts.simulator.subscriptions import fits

ZONE = "Asia/Shanghai"
MOMENT = datetime(2026, 11, 22, 16, 5, tzinfo=UTC)  # five past midnight in Shanghai


@pytest.mark.parametrize(
    ("kind", "value", "shown"),
    [
        (FieldKind.THING, "满100减20", "满100减20"),
        (FieldKind.THING, "满100减20 周末套餐券（仅限工作日晚市堂食使用）", "满100减20 周末套餐券"),
        (FieldKind.THING, "一二三四五六七八九十一二三四五六七八九十", "一二三四五六七八九十一二三四五六七八九十"),
        (FieldKind.THING, "一二三四五六七八九十一二三四五六七八九十一", "一二三四五六七八九十一二三四五六七八九…"),
        # A cut in the middle of 1280 would tell of another sum: the whole number goes.
        (FieldKind.THING, "海鲜大餐四人套餐现在只要人民币1280元起订", "海鲜大餐四人套餐现在只要人民币1280…"),
        (FieldKind.THING, "海鲜大餐四人豪华套餐现在只要人民币1280元起订", "海鲜大餐四人豪华套餐现在只要人民币…"),
        (
            FieldKind.THING,
            "一二三四五六七八九十一二三四五六充值满赠10万元一次",
            "一二三四五六七八九十一二三四五六充值满…",
        ),
        (FieldKind.THING, "海鲜大餐四人豪华套餐现在只要人民币１０００００元起", "海鲜大餐四人豪华套餐现在只要人民币…"),
        (FieldKind.THING, "海鲜大餐四人豪华套餐现在只要人民币一百二十元起", "海鲜大餐四人豪华套餐现在只要人民币…"),
        (FieldKind.THING, "海鲜大餐四人豪华套餐全场菜品本周末八五折起还送", "海鲜大餐四人豪华套餐全场菜品本周末…"),
        (FieldKind.THING, "海鲜大餐四人豪华套餐大礼包立减1，000元现金", "海鲜大餐四人豪华套餐大礼包立减…"),
        (FieldKind.THING, "海鲜大餐四人豪华套餐周末全场每桌１２．５折起", "海鲜大餐四人豪华套餐周末全场每桌…"),
        (FieldKind.THING, "会员日立减50％，全场", "会员日立减50%，全场"),
        (FieldKind.THING, "一\n二\t三\u200b四", "一 二 三 四"),
        (FieldKind.THING, "", "无"),
        (FieldKind.THING, None, "无"),
        (FieldKind.THING, -1250, "-¥12.50"),
        (FieldKind.THING, "😀" * 11, "😀" * 9 + "…"),
        (FieldKind.AMOUNT, 1250, "¥12.50"),
        (FieldKind.AMOUNT, -1250, "¥12.50"),
        (FieldKind.AMOUNT, 9_999_999_999, "¥99999999.99"),
        (FieldKind.AMOUNT, 10_000_000_099, "¥100000000"),
        (FieldKind.TIME, MOMENT, "2026年11月23日 00:05"),
        (FieldKind.DATE, MOMENT, "2026年11月23日"),
        (FieldKind.PHRASE, "退款已受理中", "退款已受理"),
        (FieldKind.PHRASE, "OK 好", "好"),
        (FieldKind.NAME, "Bartholomew Montgomery", "Bartholomew Montgome"),
        (FieldKind.NAME, "欧阳上官司马诸葛夏侯东方", "欧阳上官司马诸葛夏侯"),
        (FieldKind.NUMBER, 12, "12"),
        (FieldKind.NUMBER, "第12号", "12"),
        (FieldKind.CHARACTER_STRING, "A" + "0123456789" * 4, "89" + "0123456789" * 3),
        (FieldKind.LETTER, "a1b", "ab"),
        (FieldKind.SYMBOL, "a!?…—/*", "!?…—/"),
        (FieldKind.PHONE_NUMBER, "+86 138-0013-8000", "+86138-0013-8000"),
        (FieldKind.CAR_NUMBER, "粤B123456789", "粤B123456"),
    ],
)
def test_a_value_is_made_to_fit(kind: FieldKind, value: str | int | datetime | None, shown: str) -> None:
    assert fit(kind, value, ZONE) == shown


@given(
    st.sampled_from([kind for kind in FieldKind if kind not in (FieldKind.TIME, FieldKind.DATE, FieldKind.AMOUNT)]),
    st.text(),
)
def test_whatever_comes_the_platform_takes_it(kind: FieldKind, value: str) -> None:
    """By the rules of the simulator, which are not ours."""
    assert fits(kind.value, fit(kind, value, ZONE))


@given(st.integers(-(10**12) + 1, 10**12 - 1))
def test_whatever_sum_the_platform_takes_it(amount_fen: int) -> None:
    assert fits("amount", fit(FieldKind.AMOUNT, amount_fen, ZONE))


@given(st.text(alphabet="满减折0123456789.¥（）海鲜", min_size=1), st.integers(5, 20))
def test_a_shortened_text_never_shows_a_part_of_a_number(text: str, limit: int) -> None:
    short = shortened(text, limit)
    assert units(short) <= limit
    if short.endswith("…") and short[:-1] and short[-2].isdigit():
        following = text[len(short) - 1]
        assert not following.isdigit() or all(each in "0123456789.,:%¥" for each in short[:-1])


def test_a_wechat_field_must_be_of_the_kind_its_key_names() -> None:
    with pytest.raises(ValueError, match="thing1"):
        MessageTemplate(
            "x", "brd", Platform.WECHAT, "wx", MessageEvent.REFUND, "t", "p",
            (TemplateField("thing1", FieldKind.AMOUNT, "amount"),),
        )  # fmt: skip
