"""A menu in CSV: a line a dish, as it is typed in a spreadsheet."""

import csv
import re
from collections.abc import Mapping
from io import StringIO
from typing import Any

from scripts.menus.lines import Complaint, Line, Reading, Unreadable, line_of
from scripts.menus.values import Untaken, shown

COLUMNS = {
    "section": "分类",
    "name": "菜名",
    "price": "价格",
    "key": "编号",
    "description": "描述",
    "image_url": "图片",
    "tags": "标签",
    "mealtimes": "供应时段",
    "member_prices": "会员价",
    "special_price": "特价",
    "special_weekdays": "特价星期",
    "special_times": "特价时段",
    "daily_stock": "每日限量",
    "options": "选项",
}
NEEDED = ("section", "name", "price")
_BY_NAME = {name: name for name in COLUMNS} | {chinese: name for name, chinese in COLUMNS.items()}
_LIST = re.compile("[;；]")
_GROUP = re.compile(r"(?P<name>.+?)\s*[(（]\s*(?P<minimum>\d+)\s*[-－–~]\s*(?P<maximum>\d+)\s*[)）]\s*[:：](?P<all>.*)")
_OPTION = re.compile(r"(?P<name>.*?)\s*(?P<delta>[+＋－-]\s*[0-9０-９.．]+)?\s*(?P<gone>[(（]售罄[)）])?")


def read_csv(written: str) -> Reading:
    """The lines of a CSV file. Raises Unreadable."""
    first = re.split("[\r\n]", written, maxsplit=1)[0]
    delimiter = "\t" if "\t" in first and "," not in first else ","
    reader = csv.reader(StringIO(written, newline=""), delimiter=delimiter, strict=True)
    try:
        header = next(reader, [])
        columns, complaints = _columns(header)
        lines, section, begins = [], "", reader.line_num + 1
        for cells in reader:
            if any(cell.strip() for cell in cells):
                row = {name: cells[index].strip() for index, name in columns.items() if index < len(cells)}
                section = row.get("section") or section
                lines.append(_line(begins, section, row, too_many=any(cells[len(header) :])))
            begins = reader.line_num + 1
    except csv.Error as error:
        raise Unreadable(f"line {reader.line_num}: this is not CSV: {error}") from error
    return Reading(lines, complaints)


def _columns(header: list[str]) -> tuple[dict[int, str], list[Complaint]]:
    """Which column is what, by its place; columns without a name are passed over. Raises Unreadable."""
    found: dict[int, str] = {}
    complaints = []
    for index, cell in enumerate(header):
        name = _BY_NAME.get(cell.strip()) or _BY_NAME.get(cell.strip().lower())
        if name is None and cell.strip():
            complaints.append(Complaint(1, f"there is no column {shown(cell.strip())}: it is not read"))
        elif name in found.values():
            raise Unreadable(f"line 1: the column {shown(cell.strip())} stands twice")
        elif name is not None:
            found[index] = name
    missing = [f"{name} ({COLUMNS[name]})" for name in NEEDED if name not in found.values()]
    if missing:
        raise Unreadable(f"line 1: these columns are missing: {', '.join(missing)}")
    return found, complaints


def _line(number: int, section: str, row: Mapping[str, str], *, too_many: bool) -> Line:
    try:
        if too_many:
            raise Untaken("it has more cells than there are columns")
        return line_of(number, section, _dish(row))
    except Untaken as reason:
        return line_of(number, section, row, str(reason))


def _dish(row: Mapping[str, str]) -> dict[str, Any]:
    """A row in the shape of the JSON file. Raises Untaken."""
    special = {
        "price": row.get("special_price"),
        "weekdays": _weekdays(row.get("special_weekdays", "")),
        "times": _list(row.get("special_times", "")),
    }
    plain = ("key", "name", "price", "description", "image_url", "daily_stock")
    return {name: row.get(name) for name in plain} | {
        "tags": _list(row.get("tags", "").replace("、", ";")),
        "mealtimes": _list(row.get("mealtimes", "")),
        "member_prices": dict(_member_price(each) for each in _list(row.get("member_prices", ""))),
        "special": special if any(special.values()) else None,
        "option_groups": [_group(each) for each in _list(row.get("options", ""))],
    }


def _list(cell: str) -> list[str]:
    return [each.strip() for each in _LIST.split(cell) if each.strip()]


def _member_price(cell: str) -> tuple[str, str]:
    level, sign, price = cell.replace("＝", "=").partition("=")
    if not sign:
        raise Untaken(f"the member price {shown(cell)} is not such as GOLD=35")
    return level.strip(), price.strip()


def _weekdays(cell: str) -> list[Any]:
    days: list[Any] = []
    for each in _list(cell.replace(",", ";").replace("，", ";")):
        span = re.fullmatch(r"([1-7])\s*[-－–~]\s*([1-7])", each)
        if span is not None and span[1] < span[2]:
            days += range(int(span[1]), int(span[2]) + 1)
        else:
            days.append(int(each) if re.fullmatch("[0-9]", each) else each)
    return days


def _group(cell: str) -> dict[str, Any]:
    found = _GROUP.fullmatch(cell)
    if found is None:
        raise Untaken(f"the options {shown(cell)} are not such as 辣度(1-1): 不辣 | 微辣 | 特辣 +2")
    options = [_option(each.strip()) for each in re.split("[|｜]", found["all"])]
    return {key: found[key] for key in ("name", "minimum", "maximum")} | {"options": options}


def _option(cell: str) -> dict[str, Any]:
    found = _OPTION.fullmatch(cell)
    if found is None:  # every text fits, for the name may be anything
        raise Untaken(f"the option {shown(cell)} is not such as 特辣 +2")
    delta = (found["delta"] or "").replace(" ", "")
    return {"name": found["name"], "price_delta": delta, "sold_out": found["gone"] is not None}
