"""What helps beside the commands: everyday questions, the filter language, and the first words of the bot."""

from __future__ import annotations

from bot.chat.platforms import PLATFORMS
from bot.filter import ENTITIES
from bot.requests.context import Context
from cards.build import blocks, code, muted, text
from cards.card import Actions, Bullets, Button, Card, Words
from handlers.shared.common import section, titled

EVERYDAY: tuple[tuple[str, str], ...] = (
    ("Is anything wrong?", "home"),
    ("Why does it wait or fail?", "why NAME"),
    ("Which tasks failed, and why?", "failures"),
    ("What does a task print?", "log JOB TASK"),
    ("What runs, what waits?", "job list"),
    ("Which nodes are in trouble?", "pool list bad>0"),
    ("What burns money?", "cost"),
    ("Who holds the quota?", "account quotas"),
    ("Who is notified of alerts?", "alert subscriptions"),
    ("What should we change?", "advice"),
)
"""The questions that are asked most, with the command that answers each; words in capitals are filled in."""
SAID = "failed jobs since yesterday"
CONDITIONS: tuple[tuple[str, str], ...] = (
    ("job list failed>0", "jobs with failed tasks; <, <=, >, >=, != compare too"),
    ("job list state:active,disabled", "either of these; in other fields a comma works the same"),
    ("job list render", "whose name has “render” in it; render-* begins so, name:render is exactly that"),
    ("pool list -idle>0", "a minus, ! or not turns a condition around"),
    ("job list pool:gpu-* failed>0", "conditions side by side all have to hold; * and ? stand for what may differ"),
    ("job list age>2h", "in its state for longer than that: 30s, 5m, 2h, 3d, 1w"),
    (
        "job list since:yesterday",
        "changed since then: today, yesterday, 14:00, 2026-11-20, or 2h for the last two hours",
    ),
    ("pool list error:*quota*", "a text with “quota” in it; error~quota is the same"),
    ("job list sort:age page:2", "the order and the page are options, and stand anywhere"),
)
"""Commands with a filter, and what each means."""


def everyday() -> Bullets:
    """The ten questions."""
    return Bullets(tuple(text(f"{question}  ", code(command)) for question, command in EVERYDAY))


def filters() -> Card:
    """How lists are filtered."""
    fields = [
        text(code(f"{entity.name} list"), f"  {', '.join(entity.names)}")
        for entity in ENTITIES.values()
        if " " not in entity.name
    ]
    return Card(
        title=titled("Help: filters"),
        blocks=blocks(
            Words(text("Behind a list, and behind verbs of many nodes or tasks, say which ones:")),
            Bullets(tuple(text(code(line), f"  {meaning}") for line, meaning in CONDITIONS)),
            *section("Fields", Bullets(tuple(fields))),
            Words(text(muted("A filter that cannot be read is answered with what it can be."))),
            Actions(
                (
                    Button("Jobs with failures", "job list failed>0"),
                    Button("Pools with bad nodes", "pool list bad>0"),
                    Button("All commands", "help all"),
                )
            ),
        ),
    )


def welcome(ctx: Context) -> Card:
    """What the bot says when it comes somewhere, or somebody opens it for the first time."""
    platform = PLATFORMS[ctx.request.conversation.platform]
    alone = ctx.request.conversation.kind == "personal"
    how = "Write to me" if alone else f"Mention me or type /{ctx.bot_name}" if platform.slash else "Mention me"
    return Card(
        title=titled("Hello: I look after Azure Batch here"),
        blocks=blocks(
            Words(text(f"{how}, in commands or in your own words. Three things to try:")),
            Bullets((
                text(code("home"), "  how everything is, what is wrong first"),
                text(code(SAID), "  or anything else as you would say it"),
                text(code("alert subscribe"), f"  be told {'yourself' if alone else 'here'} when something goes wrong"),
            )),
            Actions(
                (
                    Button("How things are", "home", style="primary"),
                    Button("Failed jobs", "job list failed>0 since:yesterday"),
                    Button("Subscribe…", "alert subscribe", how="form"),
                    Button("Help", "help"),
                )
            ),
        ),
    )  # fmt: skip
