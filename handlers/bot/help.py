"""Help: what is asked most, all commands, and each of them."""

from __future__ import annotations

from collections.abc import Callable

from rapidfuzz import fuzz, process

from bot.chat.platforms import PLATFORMS
from bot.requests.command import Command, Instead, command
from bot.requests.context import Context
from cards.build import actions, blocks, code, muted, refusal, text
from cards.card import Actions, Block, Bullets, Button, Card, Menu, Option, Span, Text, Words
from cards.formatting import number
from cards.text_fit import elide
from handlers.bot import help_topics
from handlers.shared.common import section, titled

GROUPS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("Pools and nodes", ("pool", "node", "size", "image", "nodefile", "nodelog")),
    ("Jobs, tasks and schedules", ("job", "task", "failures", "subtask", "preparation", "schedule", "file", "log")),
    (
        "The account",
        ("home", "account", "application", "package", "certificate", "topology", "history"),
    ),
    ("Usage and money", ("usage", "trend", "cost")),
    ("What is wrong", ("why", "about", "advice", "timeline", "alert")),
    (
        "As files, and for again",
        ("csv", "raw", "show-as", "template", "save", "saved", "run", "forget", "pin", "unpin"),
    ),
    ("You and the bot", ("use", "whoami", "can-i", "approvals", "audit", "operation", "undo", "status", "help")),
)
"""Headings of the help and the first words of the commands below them; others come under the last one."""
_NAMED = 7
"""Commands of one noun that the help names; the others are on the noun's own page."""
_FEW = 2
"""Commands of one noun that have no line of their own: a list has room for so many lines on Slack."""
_BY_BUTTON = ("ask", "confirm", "stop", "new", "undo")
"""Commands that buttons and shortcuts carry, and nobody types."""
_SHOWN = 60
"""Characters of what was typed that an answer repeats."""


@command("help", effect="read", examples=["help", "help task list", "help filter", "help all"], menu=90)
async def show_help(ctx: Context, *words: str) -> Card:
    """Show the commands, or everything about one of them.

    :param words: the command, such as ``pool list``; or ``filter``, for how lists are filtered
    """
    words = tuple(" ".join(words).split())  # a menu hands the whole path over as one word
    if not words or words == ("me",):
        return _front(ctx)
    known = ctx.registry.find(words)
    if known:
        return _about(ctx, known)
    if topic := _TOPICS.get(" ".join(words).lower()):
        return topic(ctx)
    nouns, noun = ctx.registry.nouns(), words[0].lower()
    noun = noun if noun in nouns else noun.removesuffix("s")
    if verbs := nouns.get(noun):
        return Card(
            title=titled(f"Help: {noun}"),
            blocks=blocks(Bullets(tuple(_line(each) for each in verbs)), _open([each.path for each in verbs])),
        )
    raise Instead(_nearest(ctx, " ".join(words)))


_LIKE = 70
"""Least likeness (of 100) of a command that is offered for another word."""


def _front(ctx: Context) -> Card:
    """What is asked most, then the first words of commands by subject."""
    nouns = ctx.registry.nouns()
    subjects = [
        text(f"{heading}: ", " · ".join(noun for noun in members if noun in nouns)) for heading, members in GROUPS
    ]
    return Card(
        title=titled("What do you want to know?"),
        blocks=blocks(
            help_topics.everyday(),
            Words(text("Or write it as you would say it: ", code(f"{help_topics.SAID} on gpu-a"), ".")),
            *section("By subject", Bullets(tuple(subjects))),
            actions(
                Button("How things are", "home", style="primary"),
                Button("All commands", "help all"),
                Button("How filters work", "help filter"),
                Menu(
                    "More about",
                    "help {}",
                    tuple(Option(noun, noun) for noun, commands in nouns.items() if len(commands) > 1),
                ),
            ),
        ),
    )


def _nearest(ctx: Context, words: str) -> Card:
    """There is no help on that: the commands that are likest."""
    paths = [*ctx.registry.commands, *ctx.registry.nouns(), "filter"]
    typed = words.lower().removesuffix("s")
    near = process.extract(typed, dict.fromkeys(paths), scorer=fuzz.ratio, limit=3, score_cutoff=_LIKE)
    found = [*(path for path in paths if typed in path.split() and " " in path), *(path for _, _, path in near)]
    return refusal(
        f"There is no help on “{elide(words, _SHOWN)}”.",
        "Did you mean one of these?" if found else "",
        [*(Button(path, f"help {path}") for path in dict.fromkeys(found[:3])), Button("All commands", "help all")],
    )


def _contents(ctx: Context) -> Card:
    nouns = ctx.registry.nouns()
    named = {noun for _, members in GROUPS for noun in members}
    groups = [*GROUPS[:-1], (GROUPS[-1][0], (*GROUPS[-1][1], *(noun for noun in nouns if noun not in named)))]
    typed = f"/{ctx.bot_name}" if PLATFORMS[ctx.request.conversation.platform].slash else ""
    parts: list[Block] = []
    for heading, members in groups:
        there = [nouns[noun] for noun in members if noun in nouns and noun not in _BY_BUTTON]
        lines = [_paths(commands) for commands in there if len(commands) > _FEW]
        lone = [each.path for commands in there if len(commands) <= _FEW for each in commands]
        lines += [_joined(lone)] if lone else []
        parts += section(heading, Bullets(tuple(lines)) if lines else None)
    return Card(
        title=titled("All commands"),
        blocks=blocks(
            Words(
                text(
                    "Type ",
                    code(f"{typed} pool list".strip()),
                    ", or click. Add ",
                    code("account:NAME"),
                    " for another account, ",
                    code("help pool"),
                    " for everything about pools. A name that has blanks or reads like an option is quoted: ",
                    code("log JOB TASK 'follow'"),
                    ", or behind ",
                    code("--"),
                    ".",
                )
            ),
            *parts,
            _open([noun for noun, commands in nouns.items() if len(commands) > 1]),
        ),
    )


_TOPICS: dict[str, Callable[[Context], Card]] = {
    **dict.fromkeys(("filter", "filters", "filtering"), lambda _: help_topics.filters()),
    "welcome": help_topics.welcome,
    "all": _contents,
}
"""What is no command, and is helped with."""


def _about(ctx: Context, known: Command) -> Card:
    parameters: list[Text] = []
    below = [each for each in ctx.registry.nouns().get(known.path, ()) if each.path != known.path]
    for each in known.parameters:
        if each.hidden:
            continue
        line: list[str | Span] = [code(each.name), f" – {each.help}" if each.help else ""]
        if each.choices:
            line.append(f" ({', '.join(each.choices)})")
        if each.default:
            line.append(muted(f", {each.default} if left out"))
        parameters.append(text(*line))
    return Card(
        title=titled(f"Help: {known.path}"),
        blocks=blocks(
            Words(text(known.summary)),
            Words(text(known.details)) if known.details else None,
            Words(text(code(known.usage))),
            Bullets(tuple(parameters)) if parameters else None,
            *section(
                "Examples", Bullets(tuple(text(code(each)) for each in known.examples)) if known.examples else None
            ),
            *section("Commands below it", Bullets(tuple(map(_line, below))) if below else None),
            Words(text(muted(f"{known.effect_sentence} Needs {known.needs_sentence}; yours is {ctx.role}."))),
            Actions(
                (
                    Button("Fill in…", known.path, how="form", style="primary")
                    if known.parameters
                    else Button("Run", known.path, style="primary"),
                    Button("All commands", "help all", how="edit"),
                )
            ),
        ),
    )


def _line(known: Command) -> Text:
    return text(code(known.path), f" – {known.summary}")


def _paths(commands: list[Command]) -> Text:
    """The commands of one noun in a line: ``job`` list · show · 12 more."""
    noun = commands[0].noun
    ordered = sorted(commands, key=lambda each: f".{noun}." not in f"{each.handler.__module__}.")
    verbs = [each.path.removeprefix(noun).strip() for each in ordered]
    alone: list[str | Span] = [code(noun), " · "] if "" in verbs else []
    named = [verb for verb in verbs if verb]
    more = len(named) - _NAMED
    rest = [f"{number(more)} more"] if more > 1 else named[_NAMED:]
    return text(*alone, code(noun), f" {' · '.join([*named[:_NAMED], *rest])}")


def _joined(paths: list[str]) -> Text:
    return text(code(paths[0]), "".join(f" · {path}" for path in paths[1:]))


def _open(names: list[str]) -> Actions:
    return Actions((Menu("More about a command", "help {}", tuple(Option(name, name) for name in names)),))
