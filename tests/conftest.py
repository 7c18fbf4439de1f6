"""What is slow, and how many examples property tests try: 15, 100 in CI, 10,000 with ``--hypothesis-profile=check``."""

from __future__ import annotations

import gc
import os
from pathlib import Path

import pytest
import structlog
from hypothesis import HealthCheck, settings

from bot.azure.pipeline import Patience
from bot.requests.registry import Registry
from storage.sqlite import connection
from tests import commands, databases

_SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example]
settings.register_profile("quick", max_examples=15, deadline=None, suppress_health_check=_SLOW)
# The same examples each time: what lands depends on the change, not on luck. `make check` looks for new ones.
settings.register_profile("ci", max_examples=100, deadline=None, derandomize=True, suppress_health_check=_SLOW)
settings.register_profile("check", max_examples=10_000, deadline=None, suppress_health_check=_SLOW)
settings.load_profile("quick")

# Tracebacks as Python writes them: structlog's own picture of every frame's variables takes seconds on a busy machine.
structlog.configure(
    processors=[
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback),
    ]
)

connection._connect = databases.copied
Registry.discover = commands.copied  # type: ignore[method-assign]
Patience.get_backoff_time = lambda self, settings: 0.01  # type: ignore[method-assign]  # nobody recovers meanwhile


@pytest.fixture
def made_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """New databases are made as the program makes them, and their commits wait for the disk."""
    monkeypatch.setattr(connection, "_connect", databases.made)


SLOW = (
    "acceptance/",
    "e2e/",
    "soak/",
    # kills, and processes that die or are started
    "content/test_drawing.py",
    "operations/test_killed_adder.py",
    "requests/test_at_most_once.py",
    "requests/test_killed_operations.py",
    "tools/test_chat_demo.py",
    # every command, whatever may go wrong with what it reads
    "handlers/test_exact_names.py",
    "handlers/test_null_fields.py",
    "handlers/test_one_call_fails.py",
    # days of simulated accounts
    "monitor/test_backfill_sandbox.py",
    "sandbox/test_world.py",
    "sandbox/test_world_ledger.py",
    "tools/test_demo.py",
    "tools/test_lived.py",
)
"""Tests of the program as a process, of the page in a browser, of kills, days and sweeps. Others are marked."""
LARGE = "performance"
"""A scenario whose account is large: whoever asks about it is slow."""
LONGEST = 900
"""Seconds after which a slow test hangs: each wait in it has minutes on a busy machine."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what is slow. It comes first, so that a worker is not left alone with it in the end.

    Tests of one browser module stay in one worker (``--dist loadgroup``): they share a demo that takes long to start.
    """
    here = Path(__file__).parent
    for item in items:
        name = item.path.relative_to(here).as_posix()
        parameters = item.callspec.params if isinstance(item, pytest.Function) and hasattr(item, "callspec") else {}
        if name.startswith(SLOW) or parameters.get("scene") == LARGE:
            item.add_marker(pytest.mark.slow)
            item.add_marker(pytest.mark.timeout(LONGEST))  # where a test says its own, that comes first
        if name.startswith("e2e/"):
            item.add_marker(pytest.mark.xdist_group(name))
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)


def pytest_collection_finish() -> None:
    """What was collected stays: the garbage collector need not look through it again and again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 5, 5)  # accounts of the sandbox are many objects, and few of them garbage


def pytest_xdist_auto_num_workers() -> int:
    """One worker more than there are cores: many tests wait for processes, browsers and clocks that run fast."""
    return (os.cpu_count() or 1) + 1
