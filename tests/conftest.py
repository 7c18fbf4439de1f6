"""How many examples property tests try: 200 by default, 10,000 with ``--hypothesis-profile=check``."""

from __future__ import annotations

import os

import structlog
from hypothesis import HealthCheck, settings

_SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example]
settings.register_profile("quick", max_examples=200, deadline=None, suppress_health_check=_SLOW)
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


def pytest_xdist_auto_num_workers() -> int:
    """One worker more than there are cores: many tests wait for processes, browsers and clocks that run fast."""
    return (os.cpu_count() or 1) + 1
