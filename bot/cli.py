"""The command ``batchbot``."""

from __future__ import annotations

import asyncio
import fnmatch
import signal
import sys
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Literal

import cyclopts
from cyclopts import Parameter

from bot.chat.platforms import PLATFORMS, connectable
from bot.chat.terminal.platform import TERMINAL
from bot.domain import knowledge
from bot.ops import logs
from bot.requests.registry import Registry
from bot.settings import SettingsError, public_mistakes
from bot.settings_file import Settings, Use, load, own_causes
from bot.tools.storage import storage
from cards.formatting import plural
from storage.port.errors import StoreError

cli = cyclopts.App(
    name="batchbot",
    help="Run Azure Batch from Slack and Microsoft Teams.",
    version=version("batchbot"),
    version_flags=["--version"],
)

SettingsFile = Annotated[Path, Parameter(name="--settings", help="The settings file.")]
_SETTINGS = Path("batchbot.toml")
cli.command(storage)


def _known_platform(hint: object, name: str) -> None:
    """Cyclopts calls it with the option's type and what was typed, and shows the words of a ValueError."""
    if name not in PLATFORMS:
        raise ValueError(f"Choose one of {', '.join(PLATFORMS)}.")


Format = Annotated[
    str,
    Parameter(
        validator=_known_platform,
        help=f"{TERMINAL.name}, or the JSON payload for {' or '.join(connectable())}.",
    ),
]
_BAD_SETTINGS = 2


def main() -> None:
    """Run the command line. Exits 2 for settings that cannot work, before anything starts."""
    try:
        cli()
    except SettingsError as error:
        for line in error.lines:
            print(f"batchbot: {line}", file=sys.stderr)
        sys.exit(_BAD_SETTINGS)
    except StoreError as error:
        print(f"batchbot: {error}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)


@cli.command
def run(*, settings: SettingsFile = _SETTINGS) -> None:
    """Run the bot until it is stopped (SIGINT, SIGTERM)."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # nothing is begun yet; bot.ops.signals hears it later
    chosen = _in_use(settings)
    logs.configure(chosen.bot.log_level)
    from bot.lifetime import lived  # noqa: PLC0415 - settings are checked before Azure, Slack and Teams are loaded

    problem, code = asyncio.run(lived(chosen, settings))
    if problem:
        print(f"batchbot: {problem}", file=sys.stderr)
        sys.exit(code)


@cli.command
def check(*, settings: SettingsFile = _SETTINGS) -> None:
    """Check the settings file and say what is wrong with it, a line each."""
    chosen = load(settings)
    print(f"{settings}: fine, {plural(len(chosen.accounts), 'account')}: {', '.join(chosen.accounts)}")
    if own := own_causes(chosen, settings):
        print(f"{settings.parent / chosen.knowledge.file}: fine, {plural(len(own), 'cause')} of your own")


@cli.command
def doctor(*, settings: SettingsFile = _SETTINGS, probe: bool = True, fix: bool = False, json: bool = False) -> None:
    """Look at everything that the bot needs, and say what does not work and what to do about it.

    Exits 0 where all works, 1 where something does not, and 2 where the settings cannot be read. A bot that runs
    meanwhile is not disturbed.

    Parameters
    ----------
    probe
        Post a line in each Slack channel and delete it again, and send each webhook an event that tells nothing.
    fix
        Mend what is safe to mend: make the database's folder, narrow the modes of files.
    json
        Print it for machines.
    """
    from bot.doctor.command import doctor as examined  # noqa: PLC0415 - it loads Azure, Slack and Teams

    logs.configure("critical", human=True)  # what goes wrong is a line of the answer
    text, code = asyncio.run(examined(settings, probe=probe, fix=fix, json=json))
    print(text)
    sys.exit(code)


cli.command("bot.tools.init.options:init", name="init")  # its options are many, and its own


@cli.command
def access(*, settings: SettingsFile = _SETTINGS) -> None:
    """List who may do what by the settings file, and which commands a pattern of it does not fit."""
    chosen = load(settings, use="read")
    for line in chosen.allowed():
        print(line)
    for line in _idle_patterns(chosen):
        print(f"batchbot: {line}", file=sys.stderr)


def _idle_patterns(settings: Settings) -> Iterator[str]:
    """Patterns of grants and approvals that fit no command which changes Azure."""
    verbs = [path for path, known in _registry().commands.items() if known.mark.azure]
    rules = [(f"grants {rule.name or number}", rule.verbs) for number, rule in enumerate(settings.grants, 1)]
    rules += [(f"approvals {rule.name or number}", rule.verbs) for number, rule in enumerate(settings.approvals, 1)]
    for where, patterns in rules:
        for pattern in patterns:
            if not fnmatch.filter(verbs, pattern.lower()):
                yield f"{where}.verbs: {pattern!r} fits no command that changes Azure"


@cli.command
def demo(
    *,
    port: int = 8000,
    speed: float = 1.0,
    seed: int = 1,
    scenario: str = "demo",
    history: float = 24.0,
    teams_sdk: Literal["botbuilder", "agents"] = "botbuilder",
) -> None:
    """Run everything on this machine: a living Batch account, Slack and Teams side by side on one page.

    Parameters
    ----------
    port
        Where the page is served.
    speed
        How many times faster than the wall clock the account lives.
    seed
        The same seed makes the same account.
    scenario
        demo, tiny, performance, long, or crowded-300 (also with 1, 10, 50 and 1000 active jobs, and
        crowded-nodes), or fleet-50 (also with 1 and 10 accounts, and fleet-nodes).
    history
        Hours of samples that are taken before the page opens.
    teams_sdk
        The library that speaks to Teams; agents also shows what is for one person where they asked.
    """
    from bot.tools.demo import StageError, run_demo  # noqa: PLC0415 - only the demo needs the sandbox

    logs.configure("warning", human=True)
    try:
        asyncio.run(run_demo(port=port, speed=speed, seed=seed, scenario=scenario, history=history, sdk=teams_sdk))
    except (StageError, SettingsError) as error:
        print(f"batchbot: {error}", file=sys.stderr)
        sys.exit(1)


@cli.command
def sandbox(*, port: int = 0, scenario: str = "demo", seed: int = 1, speed: float = 1.0, skew: float = 0.0) -> None:
    """Run the sandbox alone: an Azure Batch on this machine that any Batch client can talk to.

    Prints ACCOUNT, ENDPOINT, KEY, ARM_ENDPOINT and SUBSCRIPTION, one NAME=value a line, and serves until it is stopped.

    Parameters
    ----------
    skew
        Seconds that its clock is ahead of this machine's; below zero it is behind.
    """
    from bot.sandbox.server import run as run_sandbox  # noqa: PLC0415

    logs.configure("warning", human=True)
    try:
        asyncio.run(run_sandbox(port=port, scenario=scenario, seed=seed, speed=speed, skew=skew))
    except (OSError, ValueError) as error:  # a port that is taken, a scenario or a speed that there is not
        print(f"batchbot: {error}", file=sys.stderr)
        sys.exit(1)


@cli.command
def chat(
    *,
    settings: SettingsFile = _SETTINGS,
    demo: bool = False,
    user: Annotated[str, Parameter(name="--as")] = "you",
    pictures: Path = Path("pictures"),
    speed: float = 1.0,
    history: float = 24.0,
) -> None:
    """Talk to the bot in this terminal; buttons are chosen by their number.

    Parameters
    ----------
    demo
        Talk about the sandbox's accounts instead of the settings' ones; they are watched, and their alerts come here.
    user
        Who you are: a person's id, or viewer, operator or admin in the demo.
    pictures
        The folder that charts are saved in.
    speed
        How many times faster than the wall clock the demo's accounts live.
    history
        Hours of samples that are taken before the demo begins.
    """
    from bot.tools.console import converse, converse_in_demo  # noqa: PLC0415

    logs.configure("error", human=True)
    if not demo:
        asyncio.run(converse(_in_use(settings, "ask"), user=user, folder=pictures))
        return
    from bot.tools.demo import StageError  # noqa: PLC0415 - only the demo needs the sandbox

    try:
        asyncio.run(converse_in_demo(user=user, folder=pictures, speed=speed, hours=history))
    except StageError as error:
        print(f"batchbot: {error}", file=sys.stderr)
        sys.exit(1)


@cli.command
def ask(
    *command: Annotated[str, Parameter(allow_leading_hyphen=True)],
    settings: SettingsFile = _SETTINGS,
    demo: bool = False,
    user: Annotated[str, Parameter(name="--as")] = "you",
    format: Format = TERMINAL.name,  # noqa: A002 - the name of the option
    pictures: Path | None = None,
) -> None:
    """Answer one command on standard output; exits 1 where the bot refuses or fails.

    Parameters
    ----------
    command
        The command, such as: pool list
    demo
        Ask about the sandbox's account instead of the settings' ones.
    user
        Who asks: a person's id, or viewer, operator or admin in the demo.
    pictures
        Save charts as PNG files in this folder; a payload refers to them by an address that ends in their name.
    """
    from bot.tools.console import answer  # noqa: PLC0415

    logs.configure("error", human=True)
    chosen = None if demo else _in_use(settings, "ask")
    text, fine = asyncio.run(answer(chosen, list(command), user=user, platform=format, folder=pictures))
    print(text)
    sys.exit(0 if fine else 1)


@cli.command
def mcp(
    *,
    settings: SettingsFile = _SETTINGS,
    demo: bool = False,
    user: Annotated[str, Parameter(name="--as")] = "",
    tools: str = "",
    changes: bool | None = None,
    pictures: bool | None = None,
) -> None:
    """Serve the commands as tools of the Model Context Protocol, over standard input and output; docs/mcp.md.

    Parameters
    ----------
    demo
        Answer about the sandbox's accounts instead of the settings' ones.
    user
        In whose name: a person's id; the one person of [[mcp]] in the settings where left out.
    tools
        Which commands are tools, by patterns with commas between them, such as: home,pool *,why *
    changes
        Whether changes can be asked for, each of which is asked about in the person's chat.
    pictures
        Whether charts come as pictures.
    """
    from bot.tools.mcp_command import serve_here  # noqa: PLC0415

    logs.configure("error", human=True)
    chosen = None if demo else _in_use(settings, "ask")
    serve_here(chosen, user=user, tools=tools, changes=changes, pictures=pictures)


@cli.command
def teams_package(output: Path = Path("batchbot-teams.zip"), *, settings: SettingsFile = _SETTINGS) -> None:
    """Write the Teams app package to upload in the Teams admin centre.

    Parameters
    ----------
    output
        The file to write.
    """
    from bot.tools.teams_package import build  # noqa: PLC0415

    chosen = load(settings, use="read")
    package = build(chosen, [(each.path, each.summary) for each in _registry().menu()])
    output.write_bytes(package)
    print(f"{output}: {len(package):,} bytes")


@cli.command
def manifest(*, url: str = "https://bot.example.com", socket: bool = False, name: str = "batch") -> None:
    """Print the Slack app manifest, made from the commands there are.

    Parameters
    ----------
    url
        The bot's public address (signed HTTP).
    socket
        Use Socket Mode, which needs no public address.
    name
        The slash command, without its slash.
    """
    from bot.tools.slack_manifest import manifest as made  # noqa: PLC0415

    if not socket and (wrong := [*public_mistakes("--url", url)]):
        raise SettingsError(wrong)
    print(made(_registry(), url=url, socket=socket, name=name), end="")


@cli.command
def reference() -> None:
    """Print every command and every setting as Markdown: what docs/reference.md holds."""
    from bot.tools.reference import markdown  # noqa: PLC0415

    print(markdown(_registry()), end="")


@cli.command
def causes() -> None:
    """Print every cause that the bot knows as Markdown: what docs/causes.md holds."""
    from bot.tools.causes_page import markdown  # noqa: PLC0415

    print(markdown(), end="")


def _in_use(path: Path, use: Use = "run") -> Settings:
    """The settings of a file, whose own causes are used from here on."""
    settings = load(path, use=use)
    knowledge.use(own_causes(settings, path))
    return settings


def _registry() -> Registry:
    import handlers  # noqa: PLC0415

    return Registry.discover(handlers)
