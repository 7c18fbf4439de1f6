"""Help and the home card."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from rapidfuzz import fuzz, process

from bot.azure import gaps
from bot.azure.models import Job, JobSchedule, Pool
from bot.chat.platforms import PLATFORMS
from bot.domain.entity import fold
from bot.domain.states import is_active
from bot.requests.command import Command, Instead, command
from bot.requests.context import Context
from cards import build
from cards.build import actions, blocks, bold, chip, code, muted, refusal, text
from cards.card import Actions, Block, Bullets, Button, Card, Mark, Menu, Option, Span, Text, Words
from cards.formatting import number, plural
from cards.text_fit import elide
from handlers.account.quotas import main_bars
from handlers.alert.show import open_alerts
from handlers.bot import help_topics
from handlers.bot.new import new_menu
from handlers.job.list import counts_of
from handlers.pool.trouble import trouble
from handlers.shared import node_counts
from handlers.shared.capacity import ACTIVE
from handlers.shared.common import UNKNOWN, line, section, titled
from handlers.usage import costs

GROUPS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("Pools and nodes", ("pool", "node", "size", "image", "nodefile", "nodelog")),
    ("Jobs, tasks and schedules", ("job", "task", "failures", "subtask", "preparation", "schedule", "file", "log")),
    (
        "The account",
        ("home", "account", "application", "package", "certificate", "topology", "history"),
    ),
    ("Usage and money", ("usage", "trend", "cost")),
    ("What is wrong", ("why", "advice", "timeline", "alert")),
    ("As files, and for again", ("csv", "raw", "show-as", "template", "save", "saved", "run", "forget")),
    ("You and the bot", ("use", "whoami", "can-i", "approvals", "audit", "operation", "undo", "status", "help")),
)
"""Headings of the help and the first words of the commands below them; others come under the last one."""
_NAMED = 7
"""Commands of one noun that the help names; the others are on the noun's own page."""
_FEW = 2
"""Commands of one noun that have no line of their own: a list has room for so many lines on Slack."""
_BY_BUTTON = ("confirm", "stop", "new", "undo")
"""Commands that buttons carry, and nobody types."""
_TROUBLED = 3
_SHOWN = 60
"""Characters of what was typed that an answer repeats."""
_COUNTED = 50


@command("home", effect="read", examples=["home"], menu=10)
async def home(ctx: Context, account: str | None = None) -> Card:
    """Show one account at a glance: schedules, running tasks, nodes by state, quotas and problems.

    :param account: the account, by its name in the settings; if left out the default here
    """
    source = ctx.account(account)
    (pools, at), counts, schedules_, jobs_ = await asyncio.gather(
        source.every(
            Pool,
            "/pools",
            select="id,creationTime,state,allocationState,vmSize,virtualMachineConfiguration,currentDedicatedNodes,"
            "currentLowPriorityNodes,targetDedicatedNodes,targetLowPriorityNodes,resizeErrors,enableAutoScale,"
            "autoScaleRun",
        ),
        node_counts.known(source),
        gaps.maybe("active schedules", source.every(JobSchedule, "/jobschedules", select="id,state", filter=ACTIVE)),
        gaps.maybe("active jobs", source.every(Job, "/jobs", select="id,state", filter=ACTIVE)),
    )
    jobs, schedules = (jobs_ or ([], at))[0], (schedules_ or ([], at))[0]
    active = [job.id for job in jobs if is_active(job.state)]
    counted = await counts_of(source, active[:_COUNTED])
    tasks = [each for each in counted if each]
    running, waiting = sum(each.running for each in tasks), sum(each.active for each in tasks)
    # What was counted of others is at least so many; of none nothing is known.
    least = "" if jobs_ and None not in counted else "at least "
    uncounted = not jobs_ or (bool(counted) and not tasks)
    entries = node_counts.by_pool(counts)
    wrong = [(pool, why) for pool in pools if (why := trouble(pool, entries.get(fold(pool.id))))]
    others = [name for name in ctx.accounts.names if name != source.name]
    alerts = open_alerts(ctx, source.name)
    return Card(
        title=titled(
            source.name,
            source.settings.location,
            f"{least}{plural(running, 'task')} running" if not uncounted else None,
            alerts.summary if alerts else None,
            f"{plural(len(wrong), 'pool')} in trouble" if wrong else None if alerts else "all is well",
        ),
        mark=alerts.mark if alerts else Mark.WARNING if wrong else Mark.RUNNING,
        as_of=at,
        blocks=blocks(
            build.facts(
                (
                    "Active schedules",
                    number(sum(is_active(each.state) for each in schedules)) if schedules_ else UNKNOWN,
                ),
                ("Active jobs", number(len(active)) if jobs_ else UNKNOWN),
                ("Running tasks", f"{least}{number(running)}" if not uncounted else UNKNOWN),
                ("Waiting tasks", f"{least}{number(waiting)}" if not uncounted else UNKNOWN),
            ),
            Words(text(bold("Nodes  "), node_counts.in_words(node_counts.by_state(counts)))) if counts else None,
            await costs.line_of(ctx, source, pools, entries, at),
            *await main_bars(source, pools, counts, len(jobs) + len(schedules) if jobs_ and schedules_ else None),
            alerts.line if alerts else None,
            Bullets(tuple(_troubled(pool.id, why) for pool, why in wrong[:_TROUBLED])) if wrong else None,
            build.actions(
                alerts.button if alerts else None,
                Button(f"Open {wrong[0][0].id}", line(ctx, source, "pool show", wrong[0][0].id), style="primary")
                if wrong
                else None,
                Button("Pools", line(ctx, source, "pool list")),
                Button("Jobs", line(ctx, source, "job list")),
                Button("Schedules", line(ctx, source, "schedule list")),
                Button("Usage", line(ctx, source, "usage")),
                Button("Topology", line(ctx, source, "topology")),
                Button("Help", "help"),
                Button("Refresh", line(ctx, source, "home"), how="edit"),
                new_menu(ctx, source),
                build.open_menu("Other account", "home {}", others),
            ),
        ),
    )


@command("help", effect="read", examples=["help", "help task list", "help filter", "help all"], menu=90)
async def show_help(ctx: Context, *words: str) -> Card:
    """Show the commands, or everything about one of them.

    :param words: the command, such as ``pool list``; or ``filter``, for how lists are filtered
    """
    words = tuple(" ".join(words).split())  # a menu hands the whole path over as one word
    if not words:
        return _front(ctx)
    known = ctx.registry.find(words)
    if known:
        return _about(ctx, known)
    if topic := _TOPICS.get(" ".join(words).lower()):
        return topic(ctx)
    verbs = ctx.registry.nouns().get(words[0].lower())
    if verbs:
        return Card(
            title=titled(f"Help: {words[0].lower()}"),
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


def _troubled(pool: str, why: str) -> Text:
    return text(chip(Mark.WARNING, f"pool {pool}"), f": {why}")
