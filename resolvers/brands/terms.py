"""What a text is found by: pairs of neighbouring characters, which serve Chinese, where no spaces part the words."""

import re
import unicodedata

MAXIMUM_TERMS = 1_000  # of one place, whose index grows with them
_WORD = re.compile(r"[^\W_]+")


def terms_of(*texts: str) -> list[str]:
    """Every character and every pair of neighbours in the words of these texts, each once, of the first texts first."""
    found: dict[str, None] = {}
    for word in _words(" ".join(texts)):
        found |= dict.fromkeys(word)
        found |= dict.fromkeys(word[place : place + 2] for place in range(len(word) - 1))
    return [*found][:MAXIMUM_TERMS]


def terms_to_find(search: str) -> list[str]:
    """What a place must have to be found: the pairs of each word, of a word of one character that character."""
    wanted: set[str] = set()
    for word in _words(search):
        wanted.update([word] if len(word) == 1 else (word[place : place + 2] for place in range(len(word) - 1)))
    return sorted(wanted)


def city_key(city: str) -> str:
    """A city as people name it: 深圳市 is 深圳."""
    name = "".join(_words(city))
    return name.removesuffix("市") or name


def _words(text: str) -> list[str]:
    return _WORD.findall(unicodedata.normalize("NFKC", text).casefold())
