"""The import as a command."""

import argparse
import asyncio
import os
import sys
from io import TextIOWrapper
from pathlib import Path

import scripts.menus as described
from gateway.settings import Settings, UnsafeSettings, load_settings
from gateway.wiring import wire
from resolvers.app import App
from resolvers.ordering.scarce import resize_stock
from scripts.menus.assemble import Outcome, menu_from
from scripts.menus.lines import Complaint, Reading, Unreadable, with_levels_of
from scripts.menus.read_csv import read_csv
from scripts.menus.read_json import read_json
from scripts.reconcile_bills import settings_in

MAXIMUM_FILE = 5_000_000  # bytes; a menu of 1 000 dishes has about 1 000 000
ENCODINGS = ("utf-8-sig", "gb18030")


def read(path: Path) -> Reading:
    """The lines of a file. Raises Unreadable."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise Unreadable(f"{path}: {error.strerror}") from error
    if len(content) > MAXIMUM_FILE:
        raise Unreadable(f"{path} is larger than {MAXIMUM_FILE // 1_000_000} MB")
    is_json = path.suffix.lower() == ".json"
    for encoding in ENCODINGS[:1] if is_json else ENCODINGS:
        try:
            written = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        return read_json(written) if is_json else read_csv(written)
    raise Unreadable(f"{path} is not in UTF-8{'' if is_json else ', nor in GB18030'}")


async def import_menu(app: App, store_id: str, path: Path, *, dry_run: bool) -> int:
    """Import a file and print what came of it; answers the exit code."""
    try:
        reading = read(path)
        store = await app.brands.store(store_id)
        if store is None:
            raise Unreadable(f"there is no store {store_id}")
    except Unreadable as problem:
        print(f"scripts/import_menu: {problem}")
        return 2
    current, brand = await app.menus.menu(store.id), await app.brands.brand(store.brand_id)
    levels = brand.settings.level_names if brand is not None else {}
    outcome = menu_from(store, current, [with_levels_of(levels, line) for line in reading.lines])
    complaints = sorted([*reading.complaints, *outcome.complaints], key=lambda each: each.number)
    for complaint in complaints:
        print(f"line {complaint.number}: {complaint.reason}")
    if not outcome.taken:
        print("no dish could be taken; the menu stays as it is")
        return 2
    if not dry_run:
        if outcome.menu != current:
            await app.menus.put(outcome.menu)
        await resize_stock(app, store)
    _summarise(outcome, complaints, current.version if current is not None else None, dry_run=dry_run)
    return 1 if complaints else 0


def _summarise(outcome: Outcome, complaints: list[Complaint], before: str | None, *, dry_run: bool) -> None:
    for title, names in (("new", outcome.new), ("changed", outcome.changed), ("leaves the menu", outcome.gone)):
        for name in names:
            print(f"{title}: 「{name}」")
    sections = len(outcome.menu.sections)
    print(f"{outcome.taken} dishes taken, {len(complaints)} lines not; {sections} sections", end="; ")
    if dry_run:
        print("nothing was written")
    elif before == outcome.menu.version:
        print(f"the version is still {before}")
    else:
        print(f"version {before or 'none'} -> {outcome.menu.version}")


async def run_with(settings: Settings, store_id: str, path: Path, *, dry_run: bool) -> int:
    """Import a file with an application of these settings."""
    wired = wire(settings)
    try:
        return await import_menu(wired.app, store_id, path, dry_run=dry_run)
    finally:
        await wired.close()


def main() -> int:
    """Import into the database that the environment names, or that runs from a data folder."""
    parser = argparse.ArgumentParser(
        prog="scripts/import_menu",
        description=described.__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("store_id", metavar="STORE_ID", help="the store, sto_…")
    parser.add_argument("file", metavar="FILE", type=Path, help="the menu: .json, else it is read as CSV")
    parser.add_argument("--dry-run", action="store_true", help="say what would come of it and write nothing")
    parser.add_argument(
        "--data", type=Path, metavar="DIR", help="data folder of a running scripts/run; default: .data, or MONGODB_URI"
    )
    arguments = parser.parse_args()
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # names are quoted as they stand in the file
    if arguments.data is not None or "MONGODB_URI" not in os.environ:
        data = arguments.data or Path(".data")
        try:
            os.environ.update(settings_in(data))
        except (OSError, ValueError, KeyError):
            print(f"scripts/import_menu: nothing runs from {data};", end=" ")
            print("name the data folder of a running scripts/run with --data, or set MONGODB_URI and KABAO_…")
            return 2
    try:
        settings = load_settings()
    except UnsafeSettings as error:
        print(f"scripts/import_menu: {error}")
        return 2
    return asyncio.run(run_with(settings, arguments.store_id, arguments.file, dry_run=arguments.dry_run))


if __name__ == "__main__":
    sys.exit(main())
