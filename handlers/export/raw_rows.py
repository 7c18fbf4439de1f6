"""The service's own JSON of what is no entity of its own address, or is known to two services, as a file."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Any, TypeAlias

import msgspec

from bot.azure.errors import AzureError
from bot.azure.models import SupportedImage
from bot.requests.command import CommandError, command
from bot.requests.context import Context
from cards.build import actions, blocks, note
from cards.card import Button, Card
from cards.formatting import plural
from handlers.job.preparation import statuses
from handlers.pool.given import key, offered_image
from handlers.shared.common import full_size, line, nearest, titled
from handlers.shared.files import json_of
from handlers.shared.missing import finding_task

Sent: TypeAlias = dict[str, Any]
"""An object as the service sent it, whatever fields it has."""


@command("raw application", effect="read", examples=["raw application renderer"])
async def raw_application(ctx: Context, application: str, *, account: str | None = None) -> Card:
    """Download an application's JSON with its packages, as Batch and Resource Manager return them.

    :param application: the application's id
    :param account: the account, by its name in the settings
    """
    source = ctx.account(account)
    path = source.application(application)
    found: Sent = {}
    refused: AzureError | None = None
    for name, read in (
        ("application", lambda: source.fetch(dict, path)),
        ("resource", lambda: source.managed(dict, path)),
        ("packages", lambda: source.every_managed(dict, f"{path}/versions")),
    ):
        try:
            answer = await read()
        except AzureError as error:  # one of the two may not know it, or not be allowed
            refused = refused or error
        else:
            found[name] = answer[0] if isinstance(answer, tuple) else answer.value
    if not found and refused:
        raise refused
    show = Button("Show the application", line(ctx, source, "application show", application))
    return _card("Application", application, found, source.now(), [show], both=True)


@command("raw certificate", effect="read", examples=["raw certificate cff2ab63c8c955aaf71989efa641b906558d9fb7"])
async def raw_certificate(
    ctx: Context, thumbprint: str, *, algorithm: str = "sha1", account: str | None = None
) -> Card:
    """Download a certificate's JSON, on an account that still has certificates.

    :param thumbprint: the certificate's thumbprint
    :param algorithm: how the thumbprint was made
    :param account: the account, by its name in the settings
    """
    source = ctx.account(account)
    fetched = await source.certificate(algorithm, thumbprint)
    other = algorithm if algorithm.lower() != "sha1" else None
    show = Button("Show the certificate", line(ctx, source, "certificate show", thumbprint, algorithm=other))
    return _card("Certificate", thumbprint, msgspec.json.decode(fetched.raw), fetched.at, [show])


@command("raw image", effect="read", examples=["raw image canonical:ubuntu-24_04-lts:server"])
async def raw_image(ctx: Context, image: str, *, account: str | None = None) -> Card:
    """Download an image's JSON, as the service lists it: an object for each node agent.

    :param image: the image, as publisher:offer:sku or words that only one has; image list shows them
    :param account: the account, by its name in the settings
    """
    source = ctx.account(account)
    images, (sent, at) = await asyncio.gather(source.images(), source.every(Sent, "/supportedimages"))
    wanted = key(offered_image(images, image))
    found = [each for each in sent if key(msgspec.convert(each, SupportedImage)) == wanted]
    show = Button("Show the image", line(ctx, source, "image show", wanted))
    return _card("Image", wanted, found, at, [show])


@command("raw size", effect="read", examples=["raw size standard_d4s_v3"])
async def raw_size(ctx: Context, size: str, *, account: str | None = None) -> Card:
    """Download a VM size's JSON, as Resource Manager lists it for the account's region.

    :param size: the VM size, with or without Standard_
    :param account: the account, by its name in the settings
    """
    source = ctx.account(account)
    sent, at = await source.every_size(Sent)
    known = {str(each.get("name", "")).lower(): each for each in sent}
    found = known.get(size.lower()) or known.get(f"standard_{size.lower()}")
    if found is None:
        near = nearest(full_size(size), [str(each.get("name", "")) for each in sent])
        offered = [line(ctx, source, "raw size", each) for each in near] or [line(ctx, source, "size list")]
        raise CommandError(f"The region has no VM size “{size[:60]}”.", offered, at="size")
    sizes = Button("VM sizes", line(ctx, source, "size list"))
    return _card("VM size", str(found["name"]), found, at, [sizes])


@command("raw subtask", effect="read", examples=["raw subtask simulate mesh-4", "raw subtask simulate mesh-4 2"])
async def raw_subtask(
    ctx: Context, job: str, task: str, subtask: int | None = None, *, account: str | None = None
) -> Card:
    """Download the JSON of a multi-instance task's subtasks, or of one of them.

    :param job: the job's id
    :param task: the multi-instance task's id
    :param subtask: the number of one; all of them if left out
    :param account: the account, by its name in the settings
    """
    source = ctx.account(account)
    async with finding_task(ctx, source, job, task):
        sent, at = await source.every(Sent, f"{source.task(job, task)}/subtasksinfo")
    shown = line(ctx, source, "subtask list", job, task)
    if subtask is not None:
        sent = [each for each in sent if each.get("id") == subtask]
        if not sent:
            raise CommandError(f"Task {task} has no subtask {subtask}.", [shown], at="subtask")
    name = f"{task} {subtask}" if subtask is not None else task
    return _card(
        "Subtask" if subtask is not None else "Subtasks of", name, _one(sent, subtask), at, [Button("Subtasks", shown)]
    )


@command(
    "raw preparation",
    effect="read",
    examples=["raw preparation nightly:job-12"],
)
async def raw_preparation(ctx: Context, job: str, *, account: str | None = None) -> Card:
    """Download the JSON of a job's preparation and release runs on all its nodes.

    :param job: the job's id
    :param account: the account, by its name in the settings
    """
    source = ctx.account(account)
    sent, at = await statuses(ctx, source, job, "raw preparation", Sent)
    return _card("Preparation of", job, sent, at, [Button("Preparation", line(ctx, source, "preparation list", job))])


def _one(sent: list[Sent], which: object) -> Sent | list[Sent]:
    """The object itself where one was asked for."""
    return sent if which is None else sent[0]


def _card(
    what: str, name: str, sent: Sent | list[Sent], at: datetime, buttons: Sequence[Button], *, both: bool = False
) -> Card:
    services = "Batch and Resource Manager answer" if both else "the service answers"
    return Card(
        title=titled(f"{what} {name}", "raw JSON", plural(len(sent), "object") if isinstance(sent, list) else None),
        as_of=at,
        blocks=blocks(
            json_of(
                "-".join([*what.lower().removesuffix(" of").split(), *name.replace(":", " ").split()]),
                msgspec.json.encode(sent),
            ),
            actions(*buttons),
            note(f"As {services}; the values of secrets are hidden."),
        ),
    )
