"""``batchbot init`` on the command line: an option for each question, and the terminal for those that have none."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

import handlers
from bot.requests.registry import Registry
from bot.settings import SettingsError
from bot.tools.init.answers import Answers, Question
from bot.tools.init.command import init as written


def init(
    *,
    settings: Annotated[Path, Parameter(help="The settings file.")] = Path("batchbot.toml"),
    account_id: str | None = None,
    endpoint: str | None = None,
    change: bool | None = None,
    slack: bool | None = None,
    teams: bool | None = None,
    socket: bool | None = None,
    public_url: str | None = None,
    app_id: str | None = None,
    tenant_id: str | None = None,
    client_secret: bool | None = None,
    client_id: str | None = None,
    write_client_id: str | None = None,
    channel: str | None = None,
    admin: str | None = None,
    yes: bool = False,
) -> None:
    """Write a first settings file, the Slack manifest and the Teams package; say what is left to do.

    Asks for what no option says. Nothing that is there is overwritten.

    Parameters
    ----------
    account_id
        The Batch account's id in Azure: /subscriptions/…/batchAccounts/NAME.
    endpoint
        Its endpoint, NAME.REGION.batch.azure.com.
    change
        Let the bot change the account, by an identity of its own.
    slack
        Connect Slack.
    teams
        Connect Microsoft Teams.
    socket
        Slack in Socket Mode, which needs no public address.
    public_url
        The bot's public address.
    app_id
        Application (client) id of the bot in Teams.
    tenant_id
        Directory (tenant) id.
    client_secret
        The bot in Teams is an app registration with a client secret, and no managed identity.
    client_id
        Client id of the managed identity that reads.
    write_client_id
        Client id of the managed identity that changes the account.
    channel
        A channel that is told of trouble, such as slack:C012AB3CD.
    admin
        Who may do everything, such as slack:U012AB3CD.
    yes
        Never ask: take the default of what no option says.
    """
    given = Answers(
        account_id=account_id,
        endpoint=endpoint,
        change=change,
        slack=slack,
        teams=teams,
        socket=socket,
        public_url=public_url,
        app_id=app_id,
        tenant_id=tenant_id,
        client_secret=client_secret,
        client_id=client_id,
        write_client_id=write_client_id,
        channel=channel,
        admin=admin,
    )

    print(written(settings, given, None if yes else _ask, Registry.discover(handlers)))


def _ask(question: Question, wrong: str) -> str:
    if wrong:
        print(f"  {wrong}")
    default = (" [Y/n]" if question.default else " [y/N]") if question.is_choice else ""
    try:
        return input(f"{question.words}{default}: ")
    except EOFError:
        print()
        raise SettingsError([f"{question.option}: was asked for, and nobody answered: give it, or --yes"]) from None
