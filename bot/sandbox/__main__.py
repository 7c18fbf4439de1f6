"""The sandbox as a process: Azure alone, or with Slack, Teams and the demo's page beside it.

``python -m bot.sandbox`` prints what others need to know, one ``NAME=value`` a line, ``READY=1`` last, and serves
until it is told to stop or its standard input ends (so that it never outlives whoever started it).
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import sys
import threading
from collections import defaultdict
from datetime import UTC, date, datetime, time, timedelta

import aiohttp

from bot.sandbox.server import AzureSandbox, skewed, stop_on_signals
from bot.sandbox.slack import SlackSettings, SlackStandIn
from bot.sandbox.teams import StandInError, TeamsStandIn
from bot.sandbox.wire.tokens import Tokens
from bot.sandbox.world import Clock, World
from bot.sandbox.world.account import AccountState
from bot.sandbox.world.scenarios import SCENARIOS, build

_APP_ID = "5b0f3a52-6f0c-4d7c-9d55-0c1f2f5a7b10"
_POLL_SECONDS = 0.2


async def main(options: argparse.Namespace) -> None:
    """Bring everything up, tell where it is, and serve."""
    start = datetime.now(UTC) - timedelta(hours=options.history) + options.skew
    clock = Clock(start, speed=options.speed, paused=options.history > 0)
    azure = AzureSandbox(
        build(options.scenario, options.seed, clock), tokens=Tokens(client_id=_APP_ID), seed=options.seed
    )
    async with contextlib.AsyncExitStack() as parts:
        await azure.start()
        parts.push_async_callback(azure.close)
        told = dict(line.split("=", 1) for line in azure.announce())
        told |= spent(azure.world, start + timedelta(hours=options.history))
        if options.bot:
            slack = SlackStandIn(SlackSettings(seed=options.seed, app_url=f"{options.bot}/slack/events"))
            teams = TeamsStandIn(app_id=_APP_ID, verify=azure.tokens.verify, bot_url=f"{options.bot}/api/messages")
            await slack.start()
            parts.push_async_callback(slack.close)
            await teams.start()
            parts.push_async_callback(teams.close)
            from bot.sandbox.page import Page  # noqa: PLC0415 - only the demo has a page

            installing = asyncio.create_task(_install(teams, options.bot))
            parts.callback(installing.cancel)
            page = Page(slack, teams, installing=installing)
            await page.start(port=options.page)
            parts.push_async_callback(page.close)
            told |= _chats(slack, teams) | {"PAGE_URL": page.url}
        for name, value in {**told, "READY": "1"}.items():
            print(f"{name}={value}", flush=True)
        await _until_stopped()


def spent(world: World, at: datetime) -> dict[str, str]:
    """What each account will have spent of the month of ``at``, and a day, in dollars: what budgets are made by."""
    told: dict[str, str] = {}
    for number, account in enumerate(world.accounts.values(), start=1):
        tail = "" if number == 1 else f"_{number}"
        day, first = world.time.date(), at.date().replace(day=1)
        daily = _billed(account, day - timedelta(days=1))
        lived = (at - max(world.time, datetime.combine(first, time(), UTC))) / timedelta(days=1)
        spent = sum(_billed(account, first + timedelta(days=n)) for n in range((day - first).days + 1))
        told |= {f"SPENT{tail}": f"{spent + lived * daily:.2f}", f"DAILY{tail}": f"{daily:.2f}"}
    return told


def _billed(account: AccountState, day: date) -> float:
    return sum(charge.amortized for charge in account.ledger.bill(day))


def _chats(slack: SlackStandIn, teams: TeamsStandIn) -> dict[str, str]:
    """Where the stand-ins are, and who is who there."""
    people: defaultdict[str, list[str]] = defaultdict(list)
    for person in slack.people:
        people[person["role"]].append(f"slack:{person['id']}")
    for person in teams.people.values():
        people[person["role"]].append(f"teams:{person['aadObjectId']}")
    admins = [*people["admin"], *people["second admin"]]
    groups = [f"slack:{id_}" for id_ in slack.groups.values()]
    groups += [f"teams:group:{id_}" for id_ in teams.groups.values()]
    return {
        "SLACK_API_URL": slack.api_url,
        "SLACK_BOT_TOKEN": slack.settings.bot_token,
        "SLACK_SIGNING_SECRET": slack.settings.signing_secret,
        "SLACK_APP_TOKEN": slack.settings.app_token,
        "TEAMS_APP_ID": _APP_ID,
        "TEAMS_TENANT_ID": teams.tenant_id,
        "TEAMS_OPENID_URL": teams.openid_url,
        "TEAMS_GRAPH_URL": teams.graph_url,
        "TEAMS_SERVICE_URL": teams.service_url,
        "OPS": ",".join(_ops(slack, teams)),
        "OPERATORS": ",".join(groups),
        "ADMINS": ",".join(admins),
        "PEOPLE": ";".join(f"{role.capitalize()}={','.join(ids)}" for role, ids in people.items() if len(ids) > 1),
    }


def _ops(slack: SlackStandIn, teams: TeamsStandIn) -> list[str]:
    """The channels in which alerts are told, as the settings write them."""
    channel = next(each["id"] for each in slack.channels if each["name"] == "batch-ops")
    teams_channel = next(each["id"] for each in teams.conversations.values() if each["kind"] == "channel")
    return [f"slack:{channel}", f"teams:{teams_channel}"]


async def _install(teams: TeamsStandIn, bot: str) -> None:
    """Install the app everywhere as soon as the bot answers, as an administrator would."""
    async with aiohttp.ClientSession() as session:
        while True:
            with contextlib.suppress(aiohttp.ClientError):
                async with session.get(f"{bot}/health") as answer:
                    if answer.status == 200:
                        break
            await asyncio.sleep(_POLL_SECONDS)
    for conversation in teams.conversations:
        with contextlib.suppress(StandInError):  # somebody was faster
            await teams.install(conversation)


async def _until_stopped() -> None:
    """Return at a signal or at the end of standard input."""
    stop, loop = stop_on_signals(), asyncio.get_running_loop()

    def watch() -> None:
        sys.stdin.buffer.read()
        loop.call_soon_threadsafe(stop.set)

    threading.Thread(target=watch, daemon=True, name="parent").start()
    await stop.wait()


def _span(text: str) -> timedelta:
    return skewed(float(text))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bot.sandbox", description=__doc__)
    parser.add_argument("--scenario", default="demo", choices=SCENARIOS)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--speed", type=float, default=1.0)
    parser.add_argument("--history", type=float, default=0.0, help="hours in the past that the clock stands at")
    parser.add_argument("--skew", type=_span, default="0", help="seconds that the service's clock is ahead of this one")
    parser.add_argument("--bot", default="", help="address of the bot; with it Slack, Teams and the page come too")
    parser.add_argument("--page", type=int, default=0, help="port of the page")
    return parser.parse_args()


if __name__ == "__main__":
    asyncio.run(main(_options()))
