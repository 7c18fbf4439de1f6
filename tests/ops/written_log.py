"""The log as it is written, for tests that read it."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import structlog

from bot.ops import logs


@contextmanager
def written_log(monkeypatch: pytest.MonkeyPatch, level: str) -> Iterator[io.StringIO]:
    """What is written to the log from that level on; afterwards the log is as it was."""
    root, config = logging.getLogger(), structlog.get_config()
    before, was = root.handlers[:], root.level
    out = io.StringIO()
    monkeypatch.setattr("sys.stderr", out)
    logs.configure(level)
    yield out
    structlog.configure(**config)
    root.handlers[:], root.level = before, was
