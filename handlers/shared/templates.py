"""Templates of pools, jobs and schedules: what is stored, and how one becomes a create body.

A template is a create body without an id and without secrets, under a name, for a channel or for a person. Its text may
have placeholders (:mod:`bot.domain.bodies.placeholders`). A person's own stands before the channel's of the same name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, TypeAlias

import msgspec
from msgspec import Struct

from bot.chat.request import Author
from bot.content.body_secrets import clear_body
from bot.domain.bodies.fields import Body
from bot.domain.bodies.path import NoSuchPlace, parsed, value_at, with_value, without
from bot.domain.bodies.placeholders import NotFilled, escaped, filled, placeholders, typed
from bot.domain.bodies.write_only import missing
from bot.requests.command import CommandError
from bot.requests.context import Context
from bot.requests.grammar import words as split
from bot.requests.preferences import TEMPLATES, person_of, place_of
from cards.command_line import command, join
from handlers.shared.common import nearest
from storage.port.decoding import decoded

TemplateNoun: TypeAlias = Literal["pool", "job", "schedule"]
Whose: TypeAlias = Literal["mine", "channel"]

MOST = 100
"""Templates that a channel or a person can save."""
LONGEST = 1 << 18
"""Bytes of one."""


class Need(Struct, frozen=True):
    """A value that is not stored: where it stands, what it is, and whether the body is refused without it."""

    place: str
    what: str
    required: bool = True


class Template(Struct, frozen=True):
    """What is stored."""

    noun: TemplateNoun
    body: Body
    needs: tuple[Need, ...]
    by: Author
    source: str
    """What it was made from, in words: ``job nightly``."""


@dataclass(frozen=True)
class Stored:
    """A template under its name."""

    name: str
    owner: str
    template: Template
    at: datetime

    def whose(self, ctx: Context) -> Whose:
        """Whether it is the asker's own or the channel's."""
        return "mine" if self.owner == person_of(ctx.request) else "channel"


@dataclass(frozen=True)
class Filled:
    """A create body from a template, and the values that it still lacks: they are asked for, or given by place."""

    body: Body
    needs: tuple[Need, ...]
    stored: Stored

    @property
    def lacks(self) -> tuple[Need, ...]:
        """The values without which the service refuses the body."""
        return tuple(need for need in self.needs if need.required)


def made(
    noun: TemplateNoun,
    body: Mapping[str, Any],
    settings: Sequence[str],
    by: Author,
    source: str,
    *,
    before: Template | None = None,
) -> Template:
    """A template of a create body, with ``settings`` such as ``poolInfo.poolId={pool}`` written into it.

    The body is an entity's own, in which whatever has the form of a placeholder is none, or it is that of the template
    ``before``, whose needs are kept. Secrets are taken out. Raises CommandError.
    """
    kept = {name: value for name, value in body.items() if name not in ("id", "identity")}
    kept = kept if before else escaped(kept)
    for setting in settings:
        kept = _with(kept, setting)
    shown, hidden = clear_body(kept)
    bare = without(shown, *(each.path for each in hidden))
    needs = [Need(each.place, each.what) for each in hidden]
    needs += [Need(each.place, each.what, required=False) for each in missing(bare) if not each.required]
    known = {need.place for need in needs}
    needs += [
        need
        for need in (before.needs if before else ())
        if need.place not in known and value_at(bare, parsed(need.place)) is None
    ]
    template = Template(noun, bare, tuple(needs), by, source)
    if len(msgspec.json.encode(template)) > LONGEST:
        raise CommandError(f"A template has {LONGEST >> 10} KiB at most, and this one has more.")
    return template


async def every(ctx: Context) -> list[Stored]:
    """The asker's own templates, then the channel's, each by name."""
    owners = dict.fromkeys([person_of(ctx.request), place_of(ctx.request)])
    return [stored for owner in owners for stored in await of(ctx, owner)]


async def of(ctx: Context, owner: str) -> list[Stored]:
    """An owner's templates."""
    kept = await ctx.store.preferences(TEMPLATES, owner)
    return [Stored(each.name, owner, found, each.at) for each in kept if (found := decoded(each.value, Template))]


async def find(ctx: Context, name: str, whose: Whose | None = None, *, wanted: str = "template show") -> Stored:
    """The first template of that name. Raises CommandError with the nearest, as commands that begin with ``wanted``."""
    known = [each for each in await every(ctx) if whose in (None, each.whose(ctx))]
    found = next((each for each in known if each.name == name.casefold()), None)
    if found:
        return found
    near = nearest(name, dict.fromkeys(each.name for each in known))
    raise CommandError(
        f"There is no template “{name[:60]}” here.",
        [*(command(wanted, each) for each in near), "template list"],
    )


async def from_template(
    ctx: Context,
    noun: TemplateNoun,
    name: str,
    new_id: str,
    values: str | Mapping[str, str] = "",
    *,
    secrets: Mapping[str, Any] | None = None,
    whose: Whose | None = None,
) -> Filled:
    """The create body of a template under ``new_id``.

    ``values`` fill the placeholders, by name or as people type them (``frames=100 pool='gpu a'``). ``secrets`` are
    values by their place that the template does not store; those that are still lacking are in ``needs``. Raises
    CommandError where there is no such template, it is of another noun, or a value is missing or does not fit.
    """
    stored = await find(ctx, name, whose)
    template = stored.template
    if template.noun != noun:
        raise CommandError(f"Template {stored.name} makes a {template.noun}, not a {noun}.", ["template list"])
    try:
        body = filled(template.body, values_of(values) if isinstance(values, str) else values)
        body = _with_secrets(body, template, secrets or {})
    except (NotFilled, NoSuchPlace) as error:
        raise CommandError(str(error), [command("template show", stored.name)]) from None
    needs = tuple(need for need in template.needs if need.place not in (secrets or {}))
    return Filled({"id": new_id, **body}, needs, stored)


def _with_secrets(body: Body, template: Template, secrets: Mapping[str, Any]) -> Body:
    known = {need.place for need in template.needs}
    for place, value in secrets.items():
        if place not in known:
            raise NoSuchPlace(f"Nothing is asked for at {place}.")
        if not value:
            raise NoSuchPlace(f"The value of {place} is empty.")
        body = with_value(body, parsed(place), value)
    return body


def values_of(typed_words: str) -> dict[str, str]:
    """``frames=100 pool='gpu a'`` by name; a colon does as well. Raises CommandError for a word without a value."""
    values: dict[str, str] = {}
    for word in split(typed_words):
        name, found, value = min(word.partition("="), word.partition(":"), key=lambda parts: len(parts[0]))
        if not found or not name:
            raise CommandError(f"“{word[:60]}” is not a value of a placeholder: write it as name=value.")
        values[name] = value
    return values


def usage(template: Template) -> str:
    """What is typed to fill a template: ``frames=VALUE quality=final``."""
    each = placeholders(template.body)
    return join([f"{one.name}={'VALUE' if one.default is None else one.default}" for one in each])


def _with(body: Body, setting: str) -> Body:
    """The body with ``place=value`` written into it; an empty value takes the field away. Raises CommandError."""
    place, found, value = setting.partition("=")
    if not found:
        raise CommandError(
            f"“{setting[:60]}” sets nothing: write it as a place and a value, such as priority={{priority:0}}."
        )
    try:
        path = parsed(place)
        if path[0] == "id":
            raise CommandError("A template has no id: what is made of it gets one.")
        if not value:
            return without(body, path)
        return with_value(body, path, value if placeholders(value) else typed(str(path[-1]), value, place))
    except (NoSuchPlace, NotFilled) as error:
        raise CommandError(str(error)) from None
