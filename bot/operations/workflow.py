"""Workflows: changes of Azure in durable steps, written as plain code that may be run again from its start.

A workflow is an async function beside its command::

    class Resize(Struct, frozen=True): ...

    @workflow("pool resize", Resize, "Resizing pool {}")
    async def resizing(run: Run, asked: Resize) -> Outcome:
        before = await run.once("before", dict, read)               # computed once, kept, and the same after a crash
        await run.write("resize", "Ask for 12 nodes", send, landed=landed)
        await run.until("Nodes arrive", check)
        return Outcome("Pool gpu has 12 nodes")

Every step is noted in the store before it is begun and when it has ended. When the program dies, or Azure does not
answer what it reads, the function is run again from its start: steps that ended give their noted result at once (a
refusal too); a write that was sent and whose end is not known is looked for in Azure (``landed``) and neither sent
twice nor given up. So a workflow must change nothing but through its steps, and their names must be the same every
time; no two writes have the same.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from msgspec import Struct

from cards.card import Block, Button, Card, Mark, Progress, Text

if TYPE_CHECKING:  # what runs workflows has Azure's clients; what only names them need not
    from bot.operations.run import Run

WORKFLOW = "batchbot_workflow"
"""The attribute by which a workflow is found in its module."""


class Outcome(Struct, frozen=True):
    """How a workflow ended. ``headline`` is the answer in a line, ``blocks`` and ``buttons`` come below it.

    ``undo`` is the command that takes it back, offered for 15 minutes; empty where nothing does. ``before`` and
    ``after`` are what it changed, in words, for the audit trail and for the button that takes it back. ``left`` is the
    state that it left, by the names that the look ahead of ``undo`` gives it: where that finds another state, somebody
    has changed it since. Empty where the differences of the change's own look ahead say it.

    ``failed`` says that it did not do what was asked, ``stopped`` that somebody stopped it halfway.
    """

    headline: str
    blocks: tuple[Block, ...] = ()
    buttons: tuple[Button, ...] = ()
    undo: str = ""
    before: str = ""
    after: str = ""
    failed: bool = False
    mark: Mark = Mark.DONE
    left: dict[str, str] = {}
    stopped: bool = False


class Failure(Exception):
    """The workflow cannot go on: why, in a sentence for people, and what could be done."""

    def __init__(self, why: str, buttons: Sequence[Button] = ()) -> None:
        super().__init__(why)
        self.why = why
        self.buttons = tuple(buttons)


class Unknown(Failure):
    """A write may or may not have taken effect."""


class Stopped(Exception):
    """Somebody asked to stop the operation, and it can be stopped here."""


class Lost(Exception):
    """Another instance holds the operation by now: this one must do nothing more of it."""


@dataclass
class StepView:
    """One step as the card shows it: its title, its mark, and a detail."""

    title: str
    mark: Mark = Mark.CHANGING
    detail: str = ""


@dataclass
class View:
    """What the card of an operation shows; see :mod:`bot.operations.operation_card`."""

    title: Text
    steps: dict[str, StepView] = field(default_factory=dict)
    progress: Progress | None = None
    eta: datetime | None = None
    stoppable: bool = False
    waiting: str = ""
    """Why it does not go on at the moment; empty while it does."""
    byline: str = ""
    """Who began it, in which account where there are several, and what it undoes: ``by Otto · render-prod``."""
    open: str = ""
    """The command that shows what it is about; empty where none does."""
    stop: Button | None = None
    """What stops it at the moment by a command of its own, such as stopping a resize."""
    card: Card | None = None
    """The last card, once it has ended."""


Body: TypeAlias = Callable[["Run", Any], Awaitable[Outcome]]
B = TypeVar("B", bound=Body)


@dataclass(frozen=True)
class Workflow:
    """A workflow by its name; ``arguments`` is the struct that it is given, ``title`` says what is going on."""

    name: str
    arguments: type[Struct]
    title: str
    body: Body


def workflow(name: str, arguments: type[Struct], title: str) -> Callable[[B], B]:
    """Mark an async function as the workflow of that name, which is given a Run and ``arguments``.

    ``title`` is the first line of its card, with ``{}`` for its target: ``Resizing pool {}``.
    """

    def marked(body: B) -> B:
        setattr(body, WORKFLOW, Workflow(name, arguments, title, body))
        return body

    return marked
