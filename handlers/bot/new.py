"""What stands behind the "+" buttons: the form, and for whom it is not allowed, what to use instead."""

from __future__ import annotations

from typing import Literal

from bot.azure.account import Account
from bot.policy.rules import Target
from bot.requests.command import command
from bot.requests.context import Context
from cards import build
from cards.build import blocks, text
from cards.card import Button, Card, Code, Mark, Menu, Option, Words
from cards.command_line import join
from handlers.shared.common import line, template, titled
from handlers.shared.portal import Page, portal
from handlers.shared.verbs import may

Kind = Literal["account", "pool", "job", "schedule"]
_NAMES: dict[Kind, str] = {"account": "an account", "pool": "a pool", "job": "a job", "schedule": "a job schedule"}
_PAGES: dict[Kind, Page] = {"account": "overview", "pool": "pools", "job": "jobs", "schedule": "jobSchedules"}


@command("new", effect="read", examples=["new pool"])
async def show_new(ctx: Context, kind: Kind, *, account: str | None = None) -> Card:
    """Open the way to a new account, pool, job or schedule; where that is not allowed here, say what does it.

    :param kind: what is to be made
    :param account: the account, by its name in the settings
    """
    source = ctx.account(account)
    path = f"{kind} create"
    if path in ctx.registry.commands and source.writer and ctx.allows(path):
        return Card(
            title=titled(f"New {kind}", source.name),
            blocks=blocks(
                build.actions(
                    Button("Open the form", line(ctx, source, path), how="form", style="primary"),
                    Button(f"All {kind}s", "account list" if kind == "account" else line(ctx, source, f"{kind} list")),
                    Button("Home", line(ctx, source, "home")),
                )
            ),
        )
    return Card(
        title=titled(f"Creating {_NAMES[kind]} is not allowed here."),
        mark=Mark.STOPPED,
        blocks=blocks(
            Words(text("Ask whoever may, or use the Azure CLI, once its words in capitals are filled in:")),
            Code(_cli(kind, source)),
            build.actions(
                portal(source, _PAGES[kind]),
                Button(f"All {kind}s", "account list" if kind == "account" else line(ctx, source, f"{kind} list")),
                Button("VM sizes", line(ctx, source, "size list")) if kind == "pool" else None,
                Button("Images", line(ctx, source, "image list")) if kind == "pool" else None,
                Button("Home", line(ctx, source, "home")),
            ),
        ),
        refused=True,
    )


def new_menu(ctx: Context, source: Account) -> Menu:
    """The "+" of the home card: the forms that the asker may use, or else what to use instead."""
    kinds: tuple[Kind, ...] = ("pool", "job", "schedule", "account")
    options = tuple(Option(f"+ {kind.capitalize()}", kind) for kind in kinds)
    offered = tuple(each for each in options if may(ctx, source, f"{each.value} create", Target(each.value, "")))
    if offered:
        return Menu("+ New", template(ctx, source, "{}", "create"), offered, how="form")
    return Menu("+ New", template(ctx, source, "new", "{}"), options)


def _cli(kind: Kind, source: Account) -> str:
    settings = source.settings
    if kind == "account":
        where = ["--resource-group", settings.resource_group, "--location", settings.location or "REGION"]
        return join(["az", "batch", "account", "create", "--name", "NAME", *where])
    login = ["--name", settings.batch_name, "--resource-group", settings.resource_group]
    wanted = {
        "pool": "pool create --id POOL --vm-size SIZE --image PUBLISHER:OFFER:SKU --node-agent-sku-id AGENT "
        "--target-dedicated-nodes 1",
        "job": "job create --id JOB --pool-id POOL",
        "schedule": "job-schedule create --json-file SCHEDULE.json",
    }
    return f"{join(['az', 'batch', 'account', 'login', *login])}\naz batch {wanted[kind]}"
