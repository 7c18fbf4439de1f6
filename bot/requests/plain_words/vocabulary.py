"""The words of ``vocabulary.toml``, ready to be looked up."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

from rapidfuzz import process
from rapidfuzz.distance import DamerauLevenshtein

LONGEST = 5
"""Words of the longest phrase."""
_SHORT = 4
"""Letters of a word below which a slip makes another word of it."""
_LONG = 8
"""Letters of a word in which two slips are forgiven."""


@cache
def phrases() -> Mapping[str, tuple[str, ...]]:
    """Every word and phrase with its tags, such as ``{"burning": ("topic:cost",)}``."""
    read = tomllib.loads(files(__package__).joinpath("vocabulary.toml").read_text(encoding="utf-8"))
    found: dict[str, list[str]] = {}
    for kind, meanings in read.items():
        for meaning, spoken in meanings.items():
            for phrase in spoken:
                tags = found.setdefault(phrase, [])
                if kind != "fill" or not tags:
                    tags.append(kind if kind == "fill" else f"{kind}:{meaning}")
    return {phrase: tuple(tags) for phrase, tags in found.items()}


@cache
def _single() -> tuple[str, ...]:
    """Words that a mistyped one may be: those that say something come first."""
    words = [phrase for phrase in phrases() if " " not in phrase and len(phrase) >= _SHORT]
    return tuple(sorted(words, key=lambda word: phrases()[word] == ("fill",)))


@cache
def _nouns() -> tuple[str, ...]:
    """The words for what is listed."""
    return tuple(each for each, tags in phrases().items() if " " not in each and tags[0].startswith("noun:"))


def noun_of_slip(word: str) -> str:
    """The noun that a word of two or three letters was meant for, a letter away: ``pol``, ``jb``, ``tsk``. Empty where
    there is none, or more than one.
    """
    if not 1 < len(word) < _SHORT or not word.isalpha():
        return ""
    near = [
        each
        for each in _nouns()
        if each[:1] == word[:1] and DamerauLevenshtein.distance(word, each, score_cutoff=1) < 2
    ]
    return near[0] if len({phrases()[each] for each in near}) == 1 else ""


def nearest(word: str) -> str:
    """The word that a mistyped one was meant for; empty where none is near."""
    if len(word) < _SHORT or not word.isalpha():
        return ""
    most = 2 if len(word) >= _LONG else 1
    found = process.extractOne(word, _single(), scorer=DamerauLevenshtein.distance, score_cutoff=most)
    return found[0] if found and found[0][:1] == word[:1] else ""
