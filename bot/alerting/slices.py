"""Long work on the event loop in slices: whatever else the program does waits for a slice at most."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Generator
from typing import TypeAlias, TypeVar

T = TypeVar("T")
Sliced: TypeAlias = Generator[None, None, T]
"""Work that yields wherever it may be interrupted; it returns its result."""
SLICE = 0.003
"""Seconds of one slice. Between two yields there should be a small part of that."""


async def in_slices(work: Sliced[T]) -> T:
    """Do all of it, letting others have the loop after each slice; returns what the work returns."""
    until = time.perf_counter() + SLICE
    while True:
        try:
            next(work)
        except StopIteration as end:
            result: T = end.value
            return result
        if time.perf_counter() >= until:
            await asyncio.sleep(0)
            until = time.perf_counter() + SLICE


def at_once(work: Sliced[T]) -> T:
    """Do all of it in one piece; returns what the work returns."""
    while True:
        try:
            next(work)
        except StopIteration as end:
            result: T = end.value
            return result
