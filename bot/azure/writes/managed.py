"""Writes over Resource Manager: Batch accounts with their keys, applications and their packages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, TypeAlias

import msgspec

from bot.azure.models.resource import AccountKeys, NameAvailability
from bot.azure.paths import Paths, encoded
from bot.azure.plane import Written
from bot.azure.writer import Writer

KeyName: TypeAlias = Literal["primary", "secondary"]
"""The two keys that an account has."""
ACCOUNT_TYPE = "Microsoft.Batch/batchAccounts"


def account_path(writer: Writer, group: str, name: str) -> str:
    """Where an account of the writer's subscription is."""
    return f"{writer.subscription}/resourceGroups/{encoded(group)}/providers/{ACCOUNT_TYPE}/{encoded(name)}"


async def check_name(writer: Writer, location: str, name: str) -> NameAvailability:
    """Whether a new account may have a name in a region. Changes nothing, and counts as a write all the same."""
    path = f"{writer.subscription}/providers/Microsoft.Batch/locations/{encoded(location)}/checkNameAvailability"
    written = await writer.manage("POST", path, {"name": name, "type": ACCOUNT_TYPE}, once=False)
    return msgspec.json.decode(written.body, type=NameAvailability)


async def create_account(writer: Writer, group: str, name: str, body: Mapping[str, object]) -> Written:
    """Make an account: 202, and ``location`` is where it is asked about. One that exists is changed: look first."""
    return await writer.manage("PUT", account_path(writer, group, name), body)


async def delete_account(writer: Writer) -> Written:
    """Delete the writer's account with all that is in it: 202 with a ``location``, or 204 where it is gone."""
    return await writer.manage("DELETE", "")


async def list_keys(writer: Writer) -> AccountKeys:
    """Both keys of the writer's account, to be compared and forgotten. Changes nothing."""
    written = await writer.manage("POST", "/listKeys", once=False)
    return msgspec.json.decode(written.body, type=AccountKeys)


async def regenerate_key(writer: Writer, key: KeyName) -> Written:
    """Make a new key in place of the account's one. The service answers with both keys, which go no further."""
    written = await writer.manage("POST", "/regenerateKeys", {"keyName": key.capitalize()})
    return written._replace(body=b"")


async def create_application(writer: Writer, application: str, properties: Mapping[str, object]) -> Written:
    """Make an application, or describe the one that is there (displayName, allowUpdates)."""
    return await writer.manage("PUT", Paths.application(application), {"properties": dict(properties)})


async def patch_application(writer: Writer, application: str, properties: Mapping[str, object]) -> Written:
    """Change what is given of an application: displayName, allowUpdates, defaultVersion."""
    return await writer.manage("PATCH", Paths.application(application), {"properties": dict(properties)})


async def delete_application(writer: Writer, application: str) -> Written:
    """Delete an application: ApplicationPackagesNotEmpty where it has packages; 204 where it is gone."""
    return await writer.manage("DELETE", Paths.application(application))


async def create_package(writer: Writer, application: str, version: str) -> Written:
    """Make a place to upload a package to: the answer's ``storageUrl`` is signed, never to be logged or shown."""
    return await writer.manage("PUT", Paths.package(application, version))


async def activate_package(writer: Writer, application: str, version: str) -> Written:
    """Let nodes have a package that was uploaded: ApplicationPackageBlobNotFound where nothing was.

    A package is a zip archive: the service takes no other format ("Application Package - Activate").
    """
    return await writer.manage("POST", f"{Paths.package(application, version)}/activate", {"format": "zip"})


async def delete_package(writer: Writer, application: str, version: str) -> Written:
    """Delete a version of an application with its file; 204 where it is gone."""
    return await writer.manage("DELETE", Paths.package(application, version))
