"""Spans of what the program does, for whoever collects traces: nothing at all where nobody does.

The rest of the program calls :func:`span` and :func:`note`. Who takes them is set once, by :func:`use`
(:mod:`bot.ops.telemetry`); until then a span costs one comparison, and no library of tracing is imported. Attributes
are names of commands and platforms, codes and ids of requests: never a person, a text that somebody wrote, or a secret.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Protocol, TypeAlias

Value: TypeAlias = str | int | float | bool


class Span(Protocol):
    """One that has begun."""

    def note(self, attributes: dict[str, Value]) -> None:
        """Say more of it."""
        ...

    def failed(self, kind: str) -> None:
        """It did not end well; ``kind`` is the name of an exception's type, or a code."""
        ...

    def end(self) -> None:
        """It is over."""
        ...


class Tracer(Protocol):
    """Who takes spans."""

    def begin(self, name: str, within: Span | None, attributes: dict[str, Value]) -> Span:
        """A span begins, inside another one or by itself."""
        ...


_tracer: Tracer | None = None
_current: ContextVar[Span | None] = ContextVar("span", default=None)


def use(tracer: Tracer | None) -> None:
    """Give spans to this one from now on; None: to nobody."""
    global _tracer  # noqa: PLW0603 - one for the whole program, set at its start
    _tracer = tracer


@contextmanager
def span(name: str, **attributes: Value) -> Iterator[None]:
    """What is done inside is a span. Names of attributes have ``__`` for a point.

    The one before is put back as it was, and not by a token: a generator that yields inside may go on in another
    context, in which a token of this one means nothing.
    """
    if _tracer is None:
        yield
        return
    within = _current.get()
    begun = _tracer.begin(name, within, _named(attributes))
    _current.set(begun)
    try:
        yield
    except Exception as error:
        begun.failed(str(getattr(error, "code", "")) or type(error).__name__)
        raise
    finally:
        _current.set(within)
        begun.end()


def note(**attributes: Value) -> None:
    """Say more of the span that is inside of everything here."""
    if _tracer is not None and (here := _current.get()) is not None:
        here.note(_named(attributes))


def _named(attributes: dict[str, Value]) -> dict[str, Value]:
    return {name.replace("__", "."): value for name, value in attributes.items()}
