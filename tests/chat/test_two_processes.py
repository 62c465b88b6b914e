"""Two real gateway processes get the same callbacks at once, twice or thrice: each is handled once."""

from pathlib import Path

from scripts.benchmarks.callbacks import replay


async def test_each_of_hundreds_of_callbacks_is_handled_once(mongodb_uri: str, tmp_path: Path) -> None:
    found = await replay(mongodb_uri, tmp_path, 300)
    assert (found.callbacks, found.answers) == (300, 750)
    assert sum(found.wrong.values()) == 0, found.wrong
