"""A link to the page on which tasks are uploaded, where a chat takes no files."""

from __future__ import annotations

from bot.requests.command import CommandError, command
from bot.requests.context import Context
from cards import build
from cards.build import blocks, text
from cards.card import Card, Link, Mark, Time, Words
from handlers.shared.common import line, titled


@command("task upload", effect="read", examples=["task upload nightly"])
async def upload(ctx: Context, job: str, *, template: str | None = None, account: str | None = None) -> Card:
    """Get a link for one upload of tasks for a job, for you alone.

    :param job: the job's id
    :param template: for CSV, the command with the names of columns in braces, such as render --frame {frame}
    :param account: the account, by its name in the settings
    """
    source = ctx.account(account)
    if ctx.upload_page is None:
        raise CommandError("There is no page: the bot has no public address (bot.public_url). Paste the tasks instead.")
    asked = line(ctx, source, "task add", job, template=template)
    address, until = await ctx.upload_page.link(ctx.request, f"{asked} tasks:")
    return Card(
        title=titled(f"Upload tasks for job {job}"),
        mark=Mark.NEUTRAL,
        blocks=blocks(
            Words(
                text(
                    "The link takes one file, until ",
                    Time(until, "clock"),
                    ". Then the card in the chat shows what will be added.",
                )
            ),
            build.actions(Link("Open the page", address)),
        ),
        private=True,
        secrets=(address,),
    )
