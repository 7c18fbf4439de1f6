"""What compose.yaml and the image say, read for whoever starts it without containers.

Mapped is what only a container has, and nothing else:

- paths of the containers (mounts, ``/tmp``, ``/data``) lie in a temporary folder, and the programs are this machine's;
- ports, 8080 and 5432, are free ones;
- the host ``database`` is 127.0.0.1;
- what the entrypoint of the image ``postgres`` does at first is done here, with ``initdb`` and SQL.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
import tomllib
from asyncio.subprocess import Process
from collections.abc import Mapping
from dataclasses import dataclass, field
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

import psycopg
import yaml
from psycopg import sql

from tests.postgresql import given_to_who_runs

ROOT = Path(__file__).resolve().parents[2]
SECONDS = {"s": 1, "m": 60}
GRACE = "10s"
"""Compose's own, for a service that says none."""


def compose() -> dict[str, Any]:
    """The services, as the file has them."""
    services: dict[str, Any] = yaml.safe_load((ROOT / "deploy/compose.yaml").read_text(encoding="utf-8"))["services"]
    return services


def in_order(services: Mapping[str, Any]) -> list[str]:
    """The services' names, each after those it depends on."""
    return [*TopologicalSorter({name: each.get("depends_on", ()) for name, each in services.items()}).static_order()]


def filled(text: str, given: Mapping[str, str]) -> str:
    """With what ``${NAME:?why}`` stands for; an AssertionError where it stands for nothing, as compose refuses it."""

    def one(found: re.Match[str]) -> str:
        value = given.get(found[1], "")
        assert value, f"required variable {found[1]} is missing a value: {found[2]}"
        return value

    return re.sub(r"\$\{(\w+):\?([^}]*)\}", one, text)


def seconds(told: str) -> float:
    """Of a duration such as 60s."""
    return float(told[:-1]) * SECONDS[told[-1]]


@dataclass
class Image:
    """What the Dockerfile's last stage gives to whoever runs it."""

    command: list[str]
    environment: dict[str, str]
    health: dict[str, Any]
    """In the words of compose's ``healthcheck``."""

    @classmethod
    def read(cls) -> Image:
        """Of ``deploy/Dockerfile``."""
        whole = (ROOT / "deploy/Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
        lines = [line.partition(" ") for line in whole[whole.rindex("\nFROM ") :].splitlines()]
        said = {word: rest for word, _, rest in lines}
        options, _, test = said["HEALTHCHECK"].partition("CMD ")
        health = dict(re.findall(r"--([a-z-]+)=(\S+)", options))
        environment = dict(each.split("=", 1) for each in shlex.split(said["ENV"]))
        command = json.loads(said["ENTRYPOINT"]) + json.loads(said["CMD"])
        return cls(command, environment, {key.replace("-", "_"): value for key, value in health.items()} | {
            "test": ["CMD", *json.loads(test)],
        })  # fmt: skip


@dataclass
class Running:
    """A service's process, and what it is asked how it does."""

    process: Process
    health: dict[str, Any]
    environment: dict[str, str]
    log: Path
    grace: float
    stop_by: signal.Signals = signal.SIGTERM
    mapped: dict[str, str] = field(default_factory=dict)
    user: dict[str, Any] = field(default_factory=dict)

    async def healthy(self) -> bool:
        """What its health check says once: the command's exit code, within its time."""
        kind, *command = self.health["test"]
        assert kind == "CMD"
        command = [replaced(each, self.mapped) for each in command]
        asked = await asyncio.create_subprocess_exec(
            *command, env=self.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **self.user
        )
        async with asyncio.timeout(seconds(self.health.get("timeout", "30s"))):
            return await asked.wait() == 0

    async def until_healthy(self) -> None:
        """Ask again and again, for as long as compose would; an AssertionError with its log where it does not come."""
        patience = seconds(self.health["interval"]) * int(self.health["retries"])
        patience += seconds(self.health.get("start_period", "0s"))
        end = time.monotonic() + patience
        while not await self.healthy():
            assert self.process.returncode is None, self.said()
            assert time.monotonic() < end, f"not healthy within {patience:.0f} s:\n{self.said()}"
            await asyncio.sleep(0.2)

    async def stop(self) -> int:
        """As compose does, in its time; the exit code. A TimeoutError where it had to be killed."""
        if self.process.returncode is None:
            self.process.send_signal(self.stop_by)
        try:
            async with asyncio.timeout(self.grace):
                return await self.process.wait()
        except TimeoutError:
            self.process.kill()
            await self.process.wait()
            raise

    def said(self) -> str:
        """Its log."""
        return self.log.read_text(encoding="utf-8", errors="replace")[-3000:]


def replaced(text: str, mapped: Mapping[str, str]) -> str:
    """A text with each thing that only a container has as what stands for it here."""
    for name, other in mapped.items():
        text = text.replace(name, other)
    return text


@dataclass
class DatabaseService:
    """The service ``database`` by this machine's PostgreSQL, in ``folder``."""

    service: dict[str, Any]
    given: dict[str, str]
    port: int
    folder: Path
    programs: Path

    @property
    def told(self) -> dict[str, str]:
        """Its environment."""
        return {name: filled(value, self.given) for name, value in self.service["environment"].items()}

    def prepare(self) -> dict[str, Any]:
        """Make its files, as the image's entrypoint does; as whom it runs.

        The image trusts whoever comes from 127.0.0.1, from where nobody comes there. Here the bot does, and is asked
        for its password as it is from another container.
        """
        user = given_to_who_runs(self.folder)
        password = self.folder / "password"
        password.write_text(self.told["POSTGRES_PASSWORD"] + "\n", encoding="utf-8")
        password.chmod(0o644)  # in a folder that is its own
        more = shlex.split(self.told["POSTGRES_INITDB_ARGS"])
        asks = ("--auth-local=trust", "--auth-host=scram-sha-256", f"--pwfile={password}", "--no-sync")
        command = (self.programs / "initdb", "-D", self.folder / "data", "--username", self.told["POSTGRES_USER"])
        done = subprocess.run(
            (*command, *asks, *more), capture_output=True, text=True, check=False, cwd=self.folder, **user
        )
        assert done.returncode == 0, done.stderr
        password.unlink()
        return user

    async def create(self) -> None:
        """Its database, while the server listens on a socket alone."""
        async with await psycopg.AsyncConnection.connect(self.socket, autocommit=True) as db:
            await db.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(self.told["POSTGRES_DB"])))

    async def takes(self) -> bool:
        """Whether who asks at its socket is let in."""
        try:
            async with await psycopg.AsyncConnection.connect(self.socket):
                return True
        except psycopg.OperationalError:
            return False

    @property
    def socket(self) -> str:
        """Where whoever makes the database asks."""
        return f"host={self.folder} port={self.port} user={self.told['POSTGRES_USER']} dbname=postgres"

    @property
    def network(self) -> str:
        """Where another container asks, who has to know a password."""
        told = self.told
        return f"host=127.0.0.1 port={self.port} user={told['POSTGRES_USER']} dbname={told['POSTGRES_DB']}"

    @property
    def environment(self) -> dict[str, str]:
        """Where who names nothing finds the server: in the container the socket's folder and 5432 are built in."""
        path = f"{self.programs}{os.pathsep}{os.environ['PATH']}"
        return {"PATH": path, "PGHOST": str(self.folder), "PGPORT": str(self.port)}

    async def start(self, user: dict[str, Any], *, first: bool = False) -> Running:
        """The server: the one that lasts, or the ``first``, which the entrypoint makes the database with."""
        listen = "" if first else "*"
        options = (f"listen_addresses={listen}", f"port={self.port}", f"unix_socket_directories={self.folder}")
        log = self.folder / "log"
        with log.open("ab") as out:
            process = await asyncio.create_subprocess_exec(
                *(str(self.programs / "postgres"), "-D", str(self.folder / "data")),
                *(part for each in options for part in ("-c", each)),
                **(user | {"stdout": out, "stderr": out, "cwd": self.folder, "env": self.environment}),
            )
        grace = seconds(self.service.get("stop_grace_period", GRACE))
        # The image's STOPSIGNAL: everybody is put out, and nothing is lost.
        return Running(process, self.service["healthcheck"], self.environment, log, grace, signal.SIGINT, {}, user)


@dataclass
class BotService:
    """The service ``batchbot``: the image's command on the file's settings and secrets, below ``folder``.

    ``folder/deploy`` is what compose.yaml lies in, ``folder/root`` what the container sees.
    """

    service: dict[str, Any]
    port: int
    database_port: int
    folder: Path

    def install(self, secrets: Mapping[str, str], more: Mapping[str, Any], toml: Any) -> None:
        """Write what an operator writes: the secrets, and the settings with the ``[bot]`` of docs/deploy.md."""
        deploy = self.folder / "deploy"
        deploy.mkdir()
        (deploy / self.service["env_file"]).write_text(
            "".join(f"{name}={value}\n" for name, value in secrets.items()), encoding="utf-8"
        )
        page = (ROOT / "docs/deploy.md").read_text(encoding="utf-8")
        block = page[page.index("       [bot]\n") :].partition("\n\n")[0]
        bot = tomllib.loads("\n".join(line.strip() for line in block.splitlines()))["bot"]
        where = {"@database:5432/": f"@127.0.0.1:{self.database_port}/"} | self.ports
        assert "@database:5432/" in bot["database"]
        assert bot["listen"].endswith(self.inside), "what it listens on is what is published"
        bot = {name: replaced(value, where) for name, value in bot.items()}
        (deploy / "batchbot.toml").write_text(toml({**more, "bot": {**more["bot"], **bot}}), encoding="utf-8")
        for each in self.service["volumes"]:
            source, target, mode = each.split(":")
            there = self.folder / "root" / target.lstrip("/")
            there.parent.mkdir(parents=True)
            there.symlink_to((deploy / source).resolve(strict=True))
            assert mode == "ro"
            there.chmod(0o444)
        for each in ("data", "tmp"):
            (self.folder / "root" / each).mkdir()

    @property
    def inside(self) -> str:
        """The port within the container, after a colon."""
        (published,) = self.service["ports"]
        return ":" + str(published.rpartition(":")[2])

    @property
    def ports(self) -> dict[str, str]:
        """What stands for it here."""
        return {self.inside: f":{self.port}"}

    @property
    def replicas(self) -> int:
        """How many of it the file wants: one where it says nothing."""
        return int(self.service.get("deploy", {}).get("replicas", self.service.get("scale", 1)))

    async def start(self) -> Running:
        """One process, with the environment of the image and of the file, and no other."""
        image, root = Image.read(), self.folder / "root"
        paths = {"/etc/batchbot": str(root / "etc/batchbot")}
        command = [replaced(each, paths) for each in self.service.get("command", image.command)]
        assert command[-1] != image.command[-1], "the settings lie where the file mounts them"
        environment = {name: replaced(value, {"/tmp": str(root / "tmp")}) for name, value in image.environment.items()}
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"  # for /opt/batchbot/bin
        environment |= {"PATH": path, "TMPDIR": str(root / "tmp")}
        lines = (self.folder / "deploy" / self.service["env_file"]).read_text(encoding="utf-8").splitlines()
        environment |= dict(line.split("=", 1) for line in lines)
        environment |= self.service.get("environment", {})
        log = self.folder / "bot.log"
        with log.open("ab") as out:
            process = await asyncio.create_subprocess_exec(
                *command, env=environment, cwd=root / "data", stdout=out, stderr=out
            )
        grace = seconds(self.service.get("stop_grace_period", GRACE))
        health = self.service.get("healthcheck", image.health)
        return Running(process, health, environment, log, grace, mapped=self.ports)
