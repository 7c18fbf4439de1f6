"""HTTP faults on request: throttling, server errors, slowness and cut connections, repeatable by a seed.

A listener asks `Faults.strike` once a request; what comes back is applied around the true answer.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from random import Random
from typing import Any, Literal

import msgspec
from msgspec import Struct


class Fault(Struct, rename="camel", omit_defaults=True, forbid_unknown_fields=True):
    """One kind of fault, where and how often.

    ``throttle`` answers ``status`` (429, or else 503) with ``retry_after`` seconds. ``error`` answers
    ``status`` (500 where none is given) and ``code``; where it is ``performed``, after the work was done, as a service
    does that runs out of time. ``slow`` waits ``seconds`` before the answer. ``cut`` ends the
    connection after ``after`` bytes of the body, or before any answer where ``after`` is None. ``path`` is a regular
    expression searched in path and query ("" fits all), ``method`` a verb ("" fits all). The first ``skip`` requests
    that fit are let pass; then it strikes with ``probability`` and at most ``count`` times (None: for ever).
    """

    kind: Literal["throttle", "error", "slow", "cut"]
    path: str = ""
    method: str = ""
    probability: float = 1.0
    count: int | None = None
    skip: int = 0
    status: int = 0
    code: str = ""
    performed: bool = False
    retry_after: float | None = None
    seconds: float = 0.0
    after: int | None = None
    struck: int = 0
    passed: int = 0

    def __post_init__(self) -> None:
        """Raises ValueError for what could never be played."""
        try:
            re.compile(self.path)
        except re.error as error:
            raise ValueError(f"path is no regular expression: {error}") from None
        if not 0 <= self.probability <= 1:
            raise ValueError("probability is between 0 and 1")
        if self.status and not 400 <= self.status <= 599:
            raise ValueError("status is between 400 and 599")
        if min(self.seconds, self.after or 0, self.count or 0, self.skip, self.retry_after or 0) < 0:
            raise ValueError("seconds, after, count, skip and retryAfter are not negative")


class Blow(Struct):
    """What one request suffers: waiting first, then one refusal or one cut."""

    seconds: float = 0.0
    refusal: Fault | None = None
    cut: Fault | None = None


class Faults:
    """The faults of one listener, in the order they were asked for; the first that refuses or cuts wins."""

    def __init__(self, seed: int = 0) -> None:
        self._random = Random(seed)
        self._faults: list[Fault] = []

    def add(self, kind: Literal["throttle", "error", "slow", "cut"], **settings: Any) -> Fault:
        """Ask for a fault; ``settings`` are the fields of `Fault`. Raises ValueError."""
        fault = Fault(kind, **settings)
        self._faults.append(fault)
        return fault

    def load(self, body: bytes) -> list[Fault]:
        """Ask for one fault or a list of them as JSON. Raises ValueError (`msgspec.ValidationError` is one)."""
        asked = msgspec.json.decode(body, type=Fault | list[Fault])
        added = asked if isinstance(asked, list) else [asked]
        self._faults.extend(added)
        return added

    def clear(self) -> None:
        """Forget them all."""
        self._faults.clear()

    @property
    def all(self) -> Sequence[Fault]:
        """Those asked for, each with how often it struck."""
        return tuple(self._faults)

    def strike(self, method: str, target: str) -> Blow:
        """What the request for ``target`` (path and query) suffers."""
        blow = Blow()
        for fault in self._faults:
            if blow.refusal or blow.cut:
                break
            if not self._hits(fault, method, target):
                continue
            fault.struck += 1
            if fault.kind == "slow":
                blow.seconds += fault.seconds
            elif fault.kind == "cut":
                blow.cut = fault
            else:
                blow.refusal = fault
        return blow

    def _hits(self, fault: Fault, method: str, target: str) -> bool:
        if fault.count is not None and fault.struck >= fault.count:
            return False
        if (fault.method and fault.method.upper() != method) or not re.search(fault.path, target):
            return False
        if fault.passed < fault.skip:
            fault.passed += 1
            return False
        return fault.probability >= 1 or self._random.random() < fault.probability
