"""The service's values that are several words in one, as its own client has them: what no card shows as it is."""

from __future__ import annotations

import re
from enum import Enum

import azure.batch.models

SEVERAL = {
    str(each.value).lower(): each.name.replace("_", " ").lower()
    for kind in vars(azure.batch.models).values()
    if isinstance(kind, type) and issubclass(kind, Enum)
    for each in kind
    if "_" in each.name and not str(each.value).startswith("IPv")
}
"""Values, and their words: the client's names of them part the words (``START_TASK_FAILED``)."""
RAW = re.compile(
    rf"(?<![\w$:=./'\"-])(?:{'|'.join(sorted(map(re.escape, SEVERAL), key=len, reverse=True))})(?![\w:])", re.I
)
"""Such a value that stands alone; not one of a filter (``state:starttaskfailed``) or of a formula (``$Option=…``)."""
