"""Names that things may have and that look like something else: to a grammar, a shell, markup, or the eye.

The service takes ids of letters, digits, hyphens and underscores; files and display names may hold anything.
"""

from __future__ import annotations

from hypothesis import strategies as st

from cards.command_line import GRAMMAR

IDS = (
    "-dash", "--", "--follow", "follow", "help", "yes", "no", "all", "home", "page", "state", "set", "enable",
    "lint", "mine", "failed", "active", "or", "not", "and", "x" * 64, "-", "_", "0", "-1", "batch", "FOLLOW",
    "Recursive",
)  # fmt: skip
"""Ids as the service takes them."""
FILES = (
    *IDS, "John’s.exr", "it's.txt", 'say "yes".txt', "“curly”.txt", "‘single’", "„low“", "a – b.txt",
    "a — b.txt", "‑nb‑hyphen", "–lead", "—lead", "a=b", "=a", "page:2", "page:2.txt", "account:x", "name~x",
    "sort:size", "--lines=5", "reason:x", "lines=3", "@me", "#1", "<a> & <b>", "&amp;", "`code`", "```fence```",
    "*", "*bold*", "_it_", "~gone~", "a|b", "a\\b", "\\", "a\\", " lead", "trail ", "a  b", "a\u00a0b",
    "\u202fnarrow", "a\tb", "a\nb", "😀.png", "👩‍👩‍👧.png", "עברית.txt", "\u202eevil.txt", "zero\u200bwidth",
    "\ufeffbom", "caf\u00e9.txt", "cafe\u0301.txt", "100%", "%20", "a%2Fb", "{}", "a{}b", "of:{}", "{file}",
    "$HOME", "$(id)", "!x", "?", "a?b", "size>1MB", "(x)", "[x]", ";ls", "a,b", "state:active", "n" * 260, "'",
    '"', "''", "'\"'",
)  # fmt: skip
"""Names of files, of one step each."""

ANY_NAME = st.sampled_from(FILES) | st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=40)
"""A name, nasty for sure or by chance."""
ANY_WORD = (
    ANY_NAME | st.sampled_from(sorted(GRAMMAR)) | st.builds("{}:{}".format, st.sampled_from(sorted(GRAMMAR)), ANY_NAME)
)
"""A name, an option's name, or what looks like an option with its value."""
