"""Conditional reads: If-Match, If-None-Match, If-Modified-Since, If-Unmodified-Since, by the service's own rules."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

from .errors import Refusal

_NAMES: Final = ("If-Match", "If-None-Match", "If-Modified-Since", "If-Unmodified-Since")
_TOGETHER: Final = ({"If-None-Match", "If-Modified-Since"}, {"If-Match", "If-Unmodified-Since"})


def check(headers: Mapping[str, str], etag: str, modified: datetime) -> bool:
    """Whether to answer at all: False means 304. Raises `Refusal` (400, 412); ``headers`` ignores case.

    Of two conditions that may stand together the entity tag decides; any other two are one too many.
    """
    given = [name for name in _NAMES if headers.get(name)]
    if len(given) > 1 and set(given) not in _TOGETHER:
        raise Refusal("MultipleConditionHeadersNotSupported")
    if "If-Match" in given:
        if not matches(headers["If-Match"], etag):
            raise Refusal("ConditionNotMet")
    elif "If-None-Match" in given:
        return not matches(headers["If-None-Match"], etag)
    elif "If-Modified-Since" in given:
        return modified.replace(microsecond=0) > _date(headers, "If-Modified-Since")
    elif "If-Unmodified-Since" in given and modified.replace(microsecond=0) > _date(headers, "If-Unmodified-Since"):
        raise Refusal("ConditionNotMet")
    return True


def matches(condition: str, etag: str) -> bool:
    """Whether the tag is one of those that the header names, or it names any."""
    tags = {tag.strip().removeprefix("W/").strip('"') for tag in condition.split(",")}
    return "*" in tags or etag in tags


def _date(headers: Mapping[str, str], name: str) -> datetime:
    try:
        moment = parsedate_to_datetime(headers[name])
    except ValueError:
        raise Refusal("InvalidHeaderValue", [("HeaderName", name), ("HeaderValue", headers[name])]) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
