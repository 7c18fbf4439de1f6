"""Who the asker is to the bot, and what they may do."""

from __future__ import annotations

from bot.chat.request import Person
from bot.policy.rules import Question, Standing
from bot.requests.binding import bind
from bot.requests.command import Command, CommandError, command
from bot.requests.context import Context
from bot.requests.refusals import who_can
from cards import build
from cards.build import actions, blocks, bold, code, muted, text
from cards.card import Block, Bullets, Button, Card, Heading, Mark, Text, Words
from handlers.bot.saved import Typed
from handlers.shared.common import titled

_NAMED = 10
"""Names that an answer gives."""
_KINDS = {
    "member": "",
    "guest": "a guest of this workspace or tenant",
    "foreign": "of another workspace or tenant",
    "bot": "a bot or a workflow",
}


@command("whoami", effect="read", examples=["whoami"], menu=75)
async def whoami(ctx: Context) -> Card:
    """Show who you are to me: your ids, your role, and what you may change here."""
    person, policy = ctx.request.person, ctx.services.policy
    standing = policy.standing(person, ctx.request.conversation)
    role = standing.role
    also = [each for each in policy.people.ids(person.key) if each != person.key]
    return Card(
        title=titled(person.name or policy.people.name(person.key), f"role {role.role}"),
        mark=Mark.STOPPED if role.role == "none" else Mark.NEUTRAL,
        blocks=blocks(
            build.facts(
                ("Your id", code(person.key)),
                ("You are also", ", ".join(also)),
                ("You are", _KINDS[person.kind]),
                ("Home", person.home),
                ("Your groups", ", ".join(person.groups)),
                ("Could not be read", ", ".join(_unread(person))),
                ("Role by", f"{role.rule} ({role.id})" if role.id else role.rule),
            ),
            *_changes(standing),
            Words(text("You may go ahead in an emergency: ", code('--emergency "why"')))
            if standing.break_glass
            else None,
            actions(Button("Can I…", "can-i", how="form"), Button("Approvals", "approvals"), Button("Help", "help")),
        ),
    )


def _unread(person: Person) -> list[str]:
    """What the platform could not be asked about a person; it grants nothing until it can."""
    kind = [] if person.kind_read else ["whether you are a guest"]
    return [*kind, *(f"whether you are in {group}" for group in person.unread)]


def _changes(standing: Standing) -> list[Block]:
    """What they may change of Azure, a line each, with the rule that says so."""
    lines: list[Text] = []
    if standing.role.role == "admin":
        lines.append(text("Every change of Azure", muted(f" ({standing.role.rule})")))
    elif standing.role.role == "operator":
        lines.append(text("Every change of Azure that destroys nothing", muted(f" ({standing.role.rule})")))
    for grant, id_ in standing.grants:
        word = "Not: " if grant.deny else ""
        lines.append(text(f"{word}{grant.words}", muted(f" ({grant.rule}, given to {id_})")))
    lines += [text("Approve by ", code(rule)) for rule in standing.approves]
    if not lines:
        return [Words(text("You may change nothing of Azure: no grant of the settings names you."))]
    return [Heading("You may"), Bullets(tuple(lines))]


@command("can-i", effect="read", examples=["can-i pool resize gpu-a 12", "can-i job delete"])
async def can_i(ctx: Context, *words: Typed) -> Card:
    """Say whether you may run a command, by which rule, and who can. Runs nothing.

    :param words: the command, as it is typed, with or without what it is about
    """
    tokens = [part for word in words for part in word.split()] if len(words) == 1 else list(words)
    if not tokens:
        raise CommandError("Which command? Type it behind can-i, such as can-i pool resize gpu-a.", ["whoami", "help"])
    known = ctx.registry.command(tokens)
    decision = ctx.services.policy.decide(await _question(ctx, known, tokens))
    called = f"“{known.path}”"
    if decision.allowed:
        title, mark = f"Yes, you may run {called}.", Mark.DONE
    else:
        title, mark = f"No: {decision.reason}", Mark.STOPPED
    return Card(
        title=text(bold(title)),
        mark=mark,
        blocks=blocks(
            Words(text(f"{decision.reason} " if decision.allowed else "", "The rule is ", code(decision.rule), ".")),
            _who_can(ctx, decision.able) if not decision.allowed else None,
            Words(text(muted(f"{known.effect_sentence} Needs {known.needs_sentence}."))),
            actions(Button("Fill in…", known.path, how="form") if decision.allowed and known.parameters else None,
                    Button("Who am I", "whoami")),
        ),
    )  # fmt: skip


async def _question(ctx: Context, known: Command, tokens: list[str]) -> Question:
    """What the policy is asked: of the command with what was typed, or without where that does not say enough."""
    try:
        call = ctx.registry.parse(tokens)
    except CommandError:
        return known.question(ctx.request)
    return (await bind(call, ctx)).question(ctx)


def _who_can(ctx: Context, able: tuple[str, ...]) -> Words | None:
    return Words(text(who_can(able, ctx.request.person, ctx.services.policy, _NAMED))) if able else None
