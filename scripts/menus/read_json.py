"""A menu in JSON, with the line on which each dish begins."""

import json
from bisect import bisect_right
from typing import Any

from scripts.menus.lines import Complaint, Line, Reading, Unreadable, line_of
from scripts.menus.values import shown


class Placed(dict[str, Any]):
    """An object of the file; `at` is where it begins, `twice` a field that it has more than once."""

    at: int = 0
    twice: str | None = None


class _Decoder(json.JSONDecoder):
    """Reads numbers with decimals as they are written, and notes where objects begin."""

    def __init__(self) -> None:
        super().__init__(parse_float=str, parse_constant=str, object_pairs_hook=_placed)
        parse_object = json.decoder.JSONObject  # type: ignore[attr-defined]

        def placed(text_and_end: tuple[str, int], *rest: Any) -> tuple[Placed, int]:
            value, end = parse_object(text_and_end, *rest)
            value.at = text_and_end[1] - 1
            return value, end

        self.parse_object = placed
        self.scan_once = json.scanner.py_make_scanner(self)  # type: ignore[attr-defined]


def _placed(pairs: list[tuple[str, Any]]) -> Placed:
    found = Placed(pairs)
    names = [name for name, _ in pairs]
    found.twice = next((name for name in names if names.count(name) > 1), None) if len(found) < len(names) else None
    return found


def read_json(written: str) -> Reading:
    """The lines of a JSON file. Raises Unreadable."""
    try:
        whole = _Decoder().decode(written)
    except json.JSONDecodeError as error:
        raise Unreadable(f"line {error.lineno}: this is not JSON: {error.msg}") from error
    except (RecursionError, ValueError) as error:
        raise Unreadable("this is not JSON that a menu could be in") from error
    if not isinstance(whole, Placed) or not isinstance(whole.get("sections"), list):
        raise Unreadable('a menu is an object with a list "sections"')
    ends = [index for index, character in enumerate(written) if character == "\n"]

    def number(value: Any, otherwise: int) -> int:
        return bisect_right(ends, value.at) + 1 if isinstance(value, Placed) else otherwise

    complaints = [
        Complaint(number(whole, 1), f"the menu has no field {shown(name)}") for name in whole if name != "sections"
    ]
    lines: list[Line] = []
    before = 1
    for section in whole["sections"]:
        before = number(section, before)
        if not isinstance(section, Placed) or not isinstance(section.get("dishes"), list) or section.twice:
            complaints.append(Complaint(before, 'a section is an object with a "name" and a list "dishes"'))
            continue
        strange = sorted(set(section) - {"name", "dishes"})
        complaints += [Complaint(before, f"a section has no field {shown(name)}") for name in strange]
        for dish in section["dishes"]:
            before = number(dish, before)
            lines.append(line_of(before, section.get("name"), dish, _twice(dish)))
    return Reading(lines, complaints)


def _twice(value: Any) -> str | None:
    """The field that an object, or one inside it, has more than once."""
    if isinstance(value, Placed) and value.twice is not None:
        return f"the field {shown(value.twice)} stands twice"
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return next((found for each in inside if (found := _twice(each)) is not None), None)
