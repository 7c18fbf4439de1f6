"""The command lines of the Azure CLI that make an entity of a file with its body."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from types import MappingProxyType

from bot.domain.bodies.fields import Noun

_GROUP: Mapping[Noun, str] = MappingProxyType(
    {"pool": "pool", "job": "job", "task": "task", "schedule": "job-schedule"}
)


def az(noun: Noun, file: str, *, account: str, resource_group: str, job: str = "") -> str:
    """Sign in to the account, then make it; a task needs the ``job`` that it is added to. For a POSIX shell."""
    of_job = ["--job-id", job] if noun == "task" else []
    return "\n".join(
        shlex.join(["az", "batch", *words])
        for words in (
            ["account", "login", "--name", account, "--resource-group", resource_group],
            [_GROUP[noun], "create", *of_job, "--json-file", file],
        )
    )
