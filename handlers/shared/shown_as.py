"""A create body as a file that somebody can keep and use: Bicep, ARM JSON, JSON, or JSON with its line of ``az``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, TypeAlias

import msgspec

from bot.azure.account import Account
from bot.content.body_secrets import clear_body
from bot.domain.bodies.arm import API_VERSION, POOL_TYPE, to_arm
from bot.domain.bodies.arm_template import arm_template
from bot.domain.bodies.az import az
from bot.domain.bodies.bicep import bicep
from bot.domain.bodies.clone import IDENTITY, Clone, LeftOut
from bot.domain.bodies.fields import Body, Noun
from bot.domain.bodies.hidden import Hidden, shown
from bot.domain.bodies.write_only import WriteOnly
from cards.build import actions, blocks, code, note, refusal, text
from cards.card import Action, Attachment, Block, Bullets, Button, Card, Code, Mark, Text
from cards.command_line import join
from cards.text_fit import file_name
from handlers.shared.common import section, titled

Format: TypeAlias = Literal["json", "az", "bicep", "arm"]
FORMATS: Mapping[Format, str] = {"json": "JSON", "az": "az", "bicep": "Bicep", "arm": "ARM JSON"}
"""Every format by the word that people read."""
_RESOURCE: tuple[Format, ...] = ("bicep", "arm")
_MOST = 12
_JSON = "application/json"


@dataclass(frozen=True)
class _File:
    """A file, its media type, and the lines that make what it describes."""

    name: str
    content: str
    kind: str
    lines: str


def formats_of(noun: Noun) -> list[Format]:
    """What a noun can be shown as: Resource Manager has a type for pools alone."""
    return [each for each in FORMATS if noun == "pool" or each not in _RESOURCE]


def shown_as(
    noun: Noun,
    made: Clone,
    how: Format,
    source: Account,
    *,
    job: str = "",
    at: datetime | None = None,
    buttons: Sequence[Action] = (),
) -> Card:
    """The card with the file of a create body, ready to be used; of a pool's managed identity where ``made`` has one.

    Secrets are not in the file: it says where each is missing, or takes it as a secure parameter. ``job`` is the one
    that a task is added to. The card refuses what has no such format.
    """
    named = str(made.body.get("id", noun))
    if how not in formats_of(noun):
        return refusal(
            f"A {noun} cannot be written as {FORMATS[how]}: Azure Resource Manager has no type for jobs, tasks and "
            "schedules.",
            "JSON and az are there.",
            [each for each in buttons if isinstance(each, Button)],
        )
    body, hidden = clear_body(made.body)
    left = list(made.left_out)
    if how not in _RESOURCE and "identity" in body:
        body = {name: value for name, value in body.items() if name != "identity"}
        left.append(LeftOut(("identity",), IDENTITY))
    file = _file(noun, named, body, how, source, job)
    return Card(
        title=titled(f"{noun.capitalize()} {named}", f"as {FORMATS[how]}"),
        mark=Mark.DONE,
        as_of=at,
        blocks=blocks(
            Attachment(file.name, file.content.encode(), file.kind),
            Code(file.lines) if file.lines else None,
            *_secrets(hidden, made.needs, how),
            *section("What cannot be in it", _bullets((each.place, each.why) for each in left)),
            actions(*buttons),
            note(_source(how)),
        ),
    )


def _file(noun: Noun, named: str, body: Body, how: Format, source: Account, job: str) -> _File:
    settings = source.settings
    base = file_name(f"{noun}-{named}")
    if how in _RESOURCE:
        resource = to_arm(body, resource_id(source))
        written = (
            bicep(resource, settings.batch_name)
            if how == "bicep"
            else _indented(arm_template(resource, settings.batch_name))
        )
        name, kind = (f"{base}.bicep", "text/plain; charset=utf-8") if how == "bicep" else (f"{base}.json", _JSON)
        group = ("--resource-group", settings.resource_group)
        deploy = ("az", "deployment", "group", "create", *group, "--template-file", name)
        return _File(name, written, kind, join(deploy))
    name = f"{base}.json"
    lines = az(noun, name, account=settings.batch_name, resource_group=settings.resource_group, job=job)
    return _File(name, _indented(shown(body)), _JSON, lines if how == "az" else "")


def resource_id(source: Account) -> str:
    """The account's resource id, as Resource Manager writes it."""
    settings = source.settings
    group = f"/subscriptions/{settings.subscription}/resourceGroups/{settings.resource_group}"
    return f"{group}/providers/Microsoft.Batch/batchAccounts/{settings.batch_name}"


def _secrets(hidden: Iterable[Hidden], needs: Iterable[WriteOnly], how: Format) -> list[Block]:
    asked = [(each.place, each.what) for each in hidden]
    perhaps = [(each.place, f"{each.what}, if there was one") for each in needs if not each.required]
    said = "Asked for when it is deployed" if how in _RESOURCE else "Hidden: write it in place of …"
    return [*section(said, _bullets(asked)), *section("Never answered by the service", _bullets(perhaps))]


def _bullets(items: Iterable[tuple[str, str]]) -> Bullets | None:
    lines: list[Text] = [text(code(place), f": {words}") for place, words in items]
    if len(lines) > _MOST:
        lines = [*lines[:_MOST], text(f"and {len(lines) - _MOST} more")]
    return Bullets(tuple(lines)) if lines else None


def _indented(body: Any) -> str:
    return msgspec.json.format(msgspec.json.encode(body), indent=2).decode() + "\n"


def _source(how: Format) -> str:
    if how in _RESOURCE:
        return f"{POOL_TYPE}@{API_VERSION}. Deploying it needs a role on the account's resource group."
    return "The body of the service's own create request; what only the service writes is left out."
