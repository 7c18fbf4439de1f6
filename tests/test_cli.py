"""The command line as its user meets it: one answer, a conversation, the packages, the sandbox."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import urllib.request
import zipfile
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Any

import msgspec
import pytest

from bot.sandbox.slack import SlackStandIn
from storage.sqlite.store import SqliteStore

SETTINGS = """
[bot]
public_url = "https://bot.example.com"
[accounts.render]
endpoint = "https://render.westeurope.batch.azure.com"
subscription = "s"
resource_group = "r"
[teams]
app_id = "00000000-0000-0000-0000-000000000001"
tenant_id = "00000000-0000-0000-0000-000000000002"
"""

LIMITED = """
import os, resource, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]),) * 2)
os.execve(sys.argv[2], sys.argv[2:], os.environ | {"PYTHONDONTWRITEBYTECODE": "1"})
"""


def batchbot(
    *words: str,
    typed: str = "",
    folder: Path | None = None,
    environment: dict[str, str] | None = None,
    most: int | None = None,
) -> subprocess.CompletedProcess[str]:
    """``most`` bytes is what a file may grow to: to a disk that is full or broken."""
    program = [sys.executable, "-m", "bot"]
    if most is not None:
        program = [sys.executable, "-c", LIMITED, str(most), *program]
    return subprocess.run(
        [*program, *words],
        input=typed,
        capture_output=True,
        text=True,
        cwd=folder,
        env={**os.environ, **(environment or {})},
        timeout=240,
        check=False,
    )


def test_one_answer_as_text() -> None:
    done = batchbot("ask", "--demo", "--as", "viewer", "pool", "list")
    assert done.returncode == 0, done.stderr
    assert "Pools in render-prod" in done.stdout
    assert done.stderr == ""


@pytest.mark.slow
@pytest.mark.parametrize(("platform", "key"), [("slack", "blocks"), ("teams", "body")])
def test_one_answer_as_a_payload_with_its_picture(tmp_path: Path, platform: str, key: str) -> None:
    done = batchbot("ask", "--demo", "--format", platform, "--pictures", str(tmp_path), "usage", "1h")
    assert done.returncode == 0, done.stderr
    payload: dict[str, Any] = msgspec.json.decode(done.stdout)
    assert payload[key]
    (picture,) = tmp_path.glob("*.png")
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert picture.name in done.stdout


@pytest.mark.slow
def test_a_refusal_exits_1() -> None:
    done = batchbot("ask", "--demo", "pool", "shw", "gpu-a")
    assert done.returncode == 1
    assert "gpu-a" in done.stdout


@pytest.mark.slow
def test_a_conversation_in_the_terminal(tmp_path: Path) -> None:
    """Alerts come in between, so the number of the home card's choice is read before it is typed."""
    words = ["chat", "--demo", "--history", "1", "--pictures", str(tmp_path)]
    with subprocess.Popen(
        [sys.executable, "-m", "bot", *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as running:
        assert running.stdin
        assert running.stdout

        def after(typed: str, wanted: str) -> str:
            """The line that says what is wanted, of what is printed after something was typed."""
            if typed:
                print(typed, file=running.stdin, flush=True)
            return next(line for line in running.stdout or () if wanted in line)

        try:
            after("", "tasks running")  # the home card greets
            choice = after("", "→ pool list")
            after("help account", "Help: account")
            after(choice.strip().partition("]")[0].removeprefix("["), "Pools in")
            print("quit", file=running.stdin, flush=True)
        except StopIteration:
            pytest.fail("the conversation ended before that was said")
        finally:
            running.stdin.close()
        assert running.wait(timeout=60) == 0


def test_the_teams_package_is_written(tmp_path: Path) -> None:
    (tmp_path / "batchbot.toml").write_text(SETTINGS)
    done = batchbot("teams-package", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    with zipfile.ZipFile(tmp_path / "batchbot-teams.zip") as package:
        assert sorted(package.namelist()) == ["color.png", "manifest.json", "outline.png"]
    assert "1 account: render" in batchbot("check", folder=tmp_path).stdout


@pytest.mark.slow
def test_the_sandbox_tells_where_it_is_and_ends_cleanly() -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "bot", "sandbox", "--scenario", "tiny", "--speed", "10"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as running:
        assert running.stdout
        told: dict[str, str] = {}
        while "IDENTITY_HEADER" not in told:
            name, found, value = running.stdout.readline().strip().partition("=")
            assert found, name
            told[name] = value
        assert {"ACCOUNT", "ENDPOINT", "KEY", "ARM_ENDPOINT", "SUBSCRIPTION"} <= set(told)
        with urllib.request.urlopen(f"{told['ARM_ENDPOINT']}/_sandbox/clock", timeout=10) as answer:
            assert msgspec.json.decode(answer.read())["speed"] == 10
        running.send_signal(signal.SIGINT)
        assert running.wait(20) in (0, 130)
        assert running.stderr
        assert "Traceback" not in running.stderr.read()


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="a port is taken in another way on Windows")
def test_a_port_that_is_taken_is_told_in_one_line() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = batchbot("demo", "--port", str(taken.getsockname()[1]))
    assert done.returncode == 1
    assert done.stderr.startswith("batchbot: port ")
    assert done.stderr.count("\n") == 1


@pytest.mark.slow
@pytest.mark.parametrize("command", ["sandbox", "demo"])
def test_a_scenario_that_there_is_not_is_told_without_a_traceback(command: str) -> None:
    done = batchbot(command, "--port", "0", "--scenario", "nowhere")
    assert done.returncode == 1
    assert "nowhere" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize(
    ("database", "listen", "told"),
    [
        ("bot.db", "127.0.0.1:{taken}", "bot.listen: 127.0.0.1:{taken} cannot be used (Address already in use)"),
        (
            "bot.db",
            '127.0.0.1:0"\nhealth_listen = "127.0.0.1:{taken}',
            "bot.health_listen: 127.0.0.1:{taken} cannot be used (Address already in use)",
        ),
        ("full.db", "127.0.0.1:0", "full.db: the disk reports an error"),
        ("bot.db", "127.0.0.1:0", "Slack refuses the bot (account_inactive): install the app, or renew its token"),
    ],
)
async def test_what_keeps_the_bot_from_starting_is_told_in_one_line(
    tmp_path: Path, database: str, listen: str, told: str
) -> None:
    held = SqliteStore.open(tmp_path / "full.db")  # what it wrote is longer than what the next one may write
    await held.accept("unfinished", b"{}", datetime.now(UTC) - timedelta(minutes=1))
    slack = SlackStandIn()
    await slack.start()
    if "Slack" in told:
        slack.uninstall()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        settings = tmp_path / "batchbot.toml"
        settings.write_text(
            f"""
            [bot]
            database = "{tmp_path / database}"
            listen = "{listen.format(taken=port)}"
            prices_url = ""
            log_level = "error"
            [accounts.render]
            endpoint = "http://127.0.0.1:9"
            subscription = "s"
            resource_group = "g"
            [slack]
            api_url = "{slack.api_url}"
            """,
            encoding="utf-8",
        )
        secrets = {"SLACK_BOT_TOKEN": slack.settings.bot_token, "SLACK_SIGNING_SECRET": slack.settings.signing_secret}
        most = 8192 if database == "full.db" else None
        done = await asyncio.to_thread(batchbot, "run", "--settings", str(settings), environment=secrets, most=most)
    await slack.close()
    await held.close()
    assert done.returncode == 1
    assert told.format(taken=port) in done.stderr
    assert "Traceback" not in done.stderr + done.stdout


def test_the_version_is_one_number_and_an_address_for_slack_is_one(tmp_path: Path) -> None:
    assert batchbot("--version").stdout.strip() == version("batchbot")
    for url in ("nonsense", "http://bot.example.com", "https://localname"):
        done = batchbot("manifest", "--url", url)
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr.startswith("batchbot: --url: ")
