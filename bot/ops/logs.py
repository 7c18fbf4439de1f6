"""Structured logs: one JSON object a line on standard error, with correlation ids and without secrets."""

from __future__ import annotations

import logging
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

from bot.content.clear_text import clear
from bot.content.clear_values import Values

_LONGEST = 20_000
"""Characters of one value of a line: a traceback, but no answer of megabytes."""


def _hidden(logger: object, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Every value, whatever it is made of; what is neither text nor a number is written as its repr, so that is."""
    shown = {key: value for key, value in event.items() if not key.startswith("_")}  # the rest is the record itself
    event.update(_VALUES.value(shown))
    return event


def _told(text: str) -> str:
    """Cut here alone, because a secret that was cut has no shape any more."""
    text = clear(text)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}… ({len(text)} characters)"


def _written(value: Any) -> Any:
    return [*value] if isinstance(value, set | frozenset) else repr(value)


_VALUES = Values(_told, other=_written, keys=True)


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
