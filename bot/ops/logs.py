"""Structured logs: one JSON object a line on standard error, with correlation ids and without secrets."""

from __future__ import annotations

import logging
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

from bot.content.outgoing import clear
from bot.content.redaction import HIDDEN, is_secret

_LONGEST = 20_000
"""Characters of one value of a line: a traceback, but no answer of megabytes."""


def _hidden(logger: object, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Every value, whatever it is made of; what is neither text nor a number is written as its repr, so that is."""
    for key, value in event.items():
        if key.startswith("_"):
            continue  # the record itself, which the formatter takes away
        event[key] = HIDDEN if isinstance(value, str) and value and is_secret(key) else _clear(value)
    return event


def _clear(value: Any) -> Any:
    match value:
        case str():
            return _cut(clear(value))
        case bool() | int() | float() | None:
            return value
        case list() | tuple() | set() | frozenset():
            return [_clear(each) for each in value]
        case dict():
            return {
                clear(str(key)): HIDDEN if isinstance(each, str) and each and is_secret(str(key)) else _clear(each)
                for key, each in value.items()
            }
        case _:
            return _cut(clear(repr(value)))


def _cut(text: str) -> str:
    """Here alone, because a secret that was cut has no shape any more."""
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}… ({len(text)} characters)"


def configure(level: str, *, human: bool = False) -> None:
    """Send structlog's and the libraries' records to standard error; ``human`` prints lines instead of JSON."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        _hidden,
    ]
    final: structlog.typing.Processor = (
        structlog.dev.ConsoleRenderer(colors=False) if human else structlog.processors.JSONRenderer()
    )
    threshold = getattr(logging, level.upper())
    structlog.configure(
        processors=[*shared, final],
        wrapper_class=structlog.make_filtering_bound_logger(threshold),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(foreign_pre_chain=[*shared], processors=[_without_internals, final])
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(max(threshold, logging.WARNING))  # libraries say much; what matters is a warning


def _without_internals(logger: object, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    return structlog.stdlib.ProcessorFormatter.remove_processors_meta(logger, method, event)
