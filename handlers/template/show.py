"""List, show and delete templates."""

from __future__ import annotations

import json
from typing import Literal

from bot.domain.bodies.placeholders import Placeholder, placeholders
from bot.requests.command import CommandError, command
from bot.requests.context import Context
from bot.requests.preferences import TEMPLATES, person_of
from cards import build
from cards.build import actions, blocks, code, facts, note, text
from cards.card import Attachment, Block, Bullets, Button, Card, Column, Heading, Mark, Text, Time, Words
from cards.command_line import command as command_line
from cards.command_line import join, named
from cards.formatting import number
from cards.text_fit import file_name
from handlers.shared.common import section, titled
from handlers.shared.listing import backwards
from handlers.shared.own_list import OwnList
from handlers.shared.templates import Need, Stored, Template, Whose, every, find, usage

_COLUMNS = (
    Column("Name", width=2),
    Column("Makes", width=1),
    Column("To fill in", width=3),
    Column("Saved by", rank=2, width=2),
    Column("When", rank=1, width=2),
)
_BUTTONS = 3
_MOST = 12


async def _saved_by(ctx: Context, name: str, *, whose: Whose | None = None) -> str:
    """Whoever saved what a name stands for; empty where nothing is."""
    try:
        return (await find(ctx, name, whose)).template.by.id
    except CommandError:
        return ""


TemplateSort = Literal["name", "newest", "makes"]
_LIST: OwnList[Stored] = OwnList(
    "Templates",
    {
        "name": None,
        "newest": lambda each: backwards(each.at),
        "makes": lambda each: (each.template.noun, each.name),
    },
    {
        "template": lambda each: each.name,
        "makes": lambda each: each.template.noun,
        "to fill in": lambda each: _to_fill_in(each.template),
        "made from": lambda each: each.template.source,
        "saved by": lambda each: each.template.by.name,
        "saved": lambda each: each.at,
    },
)


@command("template list", effect="read", examples=["template list", "template list sort:newest"])
async def list_templates(ctx: Context, *, sort: TemplateSort = "name", csv: bool = False) -> Card:
    """List the templates of pools, jobs and schedules: your own and this channel's.

    :param sort: in which order
    :param csv: all of them as a CSV file
    """
    known = await every(ctx)
    if csv:
        again = _LIST.again("template list", sort)
        return await _LIST.as_file(ctx, again, _LIST.ordered(known, sort), ctx.now(), "this conversation")
    return _listed(ctx, known, "", sort)


@command("template show", effect="read", examples=["template show nightly"])
async def show_template(ctx: Context, name: str, *, whose: Whose | None = None) -> Card:
    """Show a template: what it makes, what is to be filled in, what is asked for; with its body as a file.

    :param name: the name it was saved under
    :param whose: your own or the channel's; your own first if left out
    """
    return template_card(ctx, await find(ctx, name, whose), "")


@command(
    "template delete",
    effect="change",
    others="operator",
    owner=_saved_by,
    check="template list",
    examples=["template delete nightly"],
)
async def delete_template(ctx: Context, name: str, *, whose: Whose | None = None) -> Card:
    """Delete a template. What was made of it stays.

    :param name: the name it was saved under
    :param whose: your own or the channel's; your own first if left out
    """
    stored = await find(ctx, name, whose, wanted="template delete")
    await ctx.store.delete_preference(TEMPLATES, stored.owner, stored.name)
    return _listed(ctx, await every(ctx), f"{stored.name} is deleted")


def template_card(ctx: Context, stored: Stored, news: str, *, replaced: bool = False) -> Card:
    """A template whole."""
    template, whose = stored.template, stored.whose(ctx)
    names = placeholders(template.body)
    content = json.dumps(template.body, ensure_ascii=False, indent=2) + "\n"
    return Card(
        title=titled(f"Template {stored.name}", template.noun, news),
        mark=Mark.DONE if news else Mark.NEUTRAL,
        blocks=blocks(
            Words(text("It replaces the one of that name.")) if replaced else None,
            facts(
                ("Whose", "your own" if whose == "mine" else "this channel's"),
                ("Made from", template.source),
                ("Saved by", text(template.by.shown_to(ctx.request), " · ", Time(stored.at))),
                ("Filled in as", text(code(usage(template))) if names else "nothing to fill in"),
            ),
            *section("To fill in", _bullets([_placeholder(each) for each in names])),
            *section("Asked for at use, never stored", _bullets([_need(each) for each in template.needs])),
            Attachment(f"{file_name(f'template-{stored.name}')}.json", content.encode(), "application/json"),
            actions(
                _use(ctx, stored),
                Button("Templates", "template list"),
                Button("Delete it", command_line("template delete", stored.name, whose=whose)),
            ),
            note(text("Change it with ", code(_change(stored)))),
        ),
    )


def _use(ctx: Context, stored: Stored) -> Button | None:
    """The button that makes something of it; none where nothing can be made here."""
    path = f"{stored.template.noun} create"
    known = ctx.registry.commands.get(path)
    if known is None or not any(each.name == "template" for each in known.parameters) or not ctx.allows(path):
        return None
    made = command_line(path, template=stored.name)
    return Button(f"Create a {stored.template.noun}", made, style="primary", how="form")


def _change(stored: Stored) -> str:
    return join(["template", "save", named(stored.name), f"from:template/{stored.name}", "PLACE=VALUE"])


def _placeholder(each: Placeholder) -> Text:
    if each.default is None:
        return text(code(each.name), ": has to be given")
    return text(code(each.name), f": {each.default or 'empty'} if left out")


def _need(each: Need) -> Text:
    return text(code(each.place), f": {each.what}{'' if each.required else ', if there was one'}")


def _bullets(items: list[Text]) -> Bullets | None:
    shown = items if len(items) <= _MOST else [*items[:_MOST], text(f"and {len(items) - _MOST} more")]
    return Bullets(tuple(shown)) if shown else None


def _listed(ctx: Context, known: list[Stored], news: str, sort: TemplateSort = "name") -> Card:
    known = _LIST.ordered(known, sort)
    mine = [stored for stored in known if stored.owner == person_of(ctx.request)]
    theirs = [stored for stored in known if stored.owner != person_of(ctx.request)]
    return Card(
        title=titled("Templates", number(len(known)), news),
        blocks=blocks(
            *_section(ctx, "Your own", mine),
            *_section(ctx, "This channel's", theirs),
            None
            if known
            else Words(text("Nothing is saved yet. For example: ", code("template save nightly from:job/nightly-1"))),
            actions(
                *(Button(each.name, _shown(ctx, each)) for each in known[:_BUTTONS]),
                *(
                    build.open_menu(f"Show{more}", f"template show {{}} whose:{whose}", [each.name for each in of])
                    for of, whose, more in ((mine, "mine", " (your own)"), (theirs, "channel", ""))
                ),
                Button("Refresh", _LIST.again("template list", sort), how="edit"),
                *(_LIST.controls("template list", sort) if known else ()),
            ),
        ),
    )


def _shown(ctx: Context, stored: Stored) -> str:
    return command_line("template show", stored.name, whose=stored.whose(ctx))


def _section(ctx: Context, name: str, known: list[Stored]) -> list[Block]:
    if not known:
        return []
    rows: list[list[Text]] = [
        [
            text(code(each.name)),
            text(each.template.noun),
            text(_to_fill_in(each.template)),
            text(each.template.by.shown_to(ctx.request)),
            (Time(each.at),),
        ]
        for each in known
    ]
    return [Heading(name), build.table(_COLUMNS, rows)]


def _to_fill_in(template: Template) -> str:
    names = [each.name for each in placeholders(template.body)]
    secrets = [need for need in template.needs if need.required]
    asked = [f"{number(len(secrets))} secret{'' if len(secrets) == 1 else 's'}"] if secrets else []
    return ", ".join([*names, *asked]) or "nothing"
