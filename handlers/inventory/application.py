"""Applications and their packages."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from bot.azure import gaps
from bot.azure.account import Account
from bot.azure.errors import AzureError
from bot.azure.models import Application, ApplicationResource, PackageResource, Pool
from bot.filter import APPLICATION
from bot.requests.command import command
from bot.requests.context import Context
from cards import build
from cards.build import blocks, bold, chip, code, facts, muted, note, text
from cards.card import Action, Button, Card, Column, Footer, Mark, Menu, Option, Text, Time, Words
from cards.formatting import plural
from handlers.inventory.application_set import NO_UPLOAD
from handlers.shared.common import line, section, some, template, titled
from handlers.shared.definition import yes_no
from handlers.shared.filtering import Typed
from handlers.shared.listing import Listing
from handlers.shared.missing import missing
from handlers.shared.portal import portal
from handlers.shared.states import package_chip

_COLUMNS = (
    Column("Application", width=3),
    Column("Versions", rank=2, width=3),
    Column("Default version", rank=1, width=2),
    Column("Pools", "right", rank=3),
    Column("Display name", rank=4, width=2),
)
_ACTIVATED = 3
"""Packages that have a button to activate them at most."""
_PACKAGES = (
    Column("Version", width=2),
    Column("State", width=2),
    Column("Last activated", rank=1, width=3),
    Column("Format", rank=2),
)


@dataclass(frozen=True)
class Known:
    """An application by what the data plane and Resource Manager know, of which one may be missing.

    ``pools`` are those whose nodes are given it.
    """

    id: str
    offered: Application | None = None
    resource: ApplicationResource | None = None
    pools: tuple[str, ...] = ()

    @property
    def display_name(self) -> str:
        """A name for people."""
        name = self.resource.properties.display_name if self.resource else ""
        return name or (self.offered.display_name if self.offered else "")

    @property
    def versions(self) -> tuple[str, ...]:
        """Versions that nodes can be given."""
        return self.offered.versions if self.offered else ()

    @property
    def default(self) -> str:
        """The version of references that name none."""
        return self.resource.properties.default_version if self.resource else ""


ApplicationSort = Literal["name", "pools", "versions"]
_LIST: Listing[Known] = Listing(
    APPLICATION,
    "application list",
    "csv application",
    {
        "name": lambda known: known.id.lower(),
        "pools": lambda known: (-len(known.pools), known.id.lower()),
        "versions": lambda known: (-len(known.versions), known.id.lower()),
    },
    {
        "application": lambda known: known.id,
        "display name": lambda known: known.display_name,
        "versions": lambda known: " ".join(known.versions),
        "default version": lambda known: known.default,
        "pools": lambda known: " ".join(known.pools),
    },
)


@command(
    "application list",
    effect="read",
    examples=["application list", "application list pools>0", "application list version:4.*"],
)
async def list_applications(
    ctx: Context,
    *filter: Typed,  # noqa: A002 - the name that people see
    sort: ApplicationSort = "name",
    page: int = 1,
    account: str | None = None,
) -> Card:
    """List the applications of an account with versions, default version, and how many pools use them.

    :param filter: which ones, such as render* pools>0 pool:gpu-a version:4.*
    :param sort: in which order
    :param page: which page of 20
    :param account: the account, by its name in the settings
    """
    source = ctx.account(account)
    asked = _LIST.asked(ctx, source, filter, sort=sort, page=page)
    known, at, without = await _applications(source)
    shown = asked.of(known, at)
    return Card(
        title=titled(f"Applications in {source.name}", shown.words, shown.extent),
        mark=Mark.RUNNING,
        as_of=at,
        blocks=blocks(
            shown.table(_COLUMNS, _row, "This account has no applications."),
            without,
            build.actions(
                *shown.turning,
                build.open_menu(
                    "Open an application",
                    template(ctx, source, "application show", "{}"),
                    [each.id for each in shown.rows],
                ),
                Button("Pools", line(ctx, source, "pool list")),
                *shown.controls,
            ),
        ),
    )


@command("csv application", effect="read", examples=["csv application", "csv application pools>0"])
async def csv_applications(
    ctx: Context,
    *filter: Typed,  # noqa: A002 - the name that people see
    sort: ApplicationSort = "name",
    account: str | None = None,
) -> Card:
    """Export applications as a CSV file, all or those that match a filter.

    :param filter: which ones, as in application list
    :param sort: in which order
    :param account: the account, by its name in the settings
    """
    source = ctx.account(account)
    asked = _LIST.asked(ctx, source, filter, sort=sort, whole=True)
    known, at, _ = await _applications(source)
    return await asked.as_file(known, at, source.name)


@command("application show", effect="read", examples=["application show renderer"])
async def show_application(ctx: Context, application: str, *, account: str | None = None) -> Card:
    """Show one application: packages by version with state, format and last activation, and the pools that use it.

    :param application: the application's id
    :param account: the account, by its name in the settings
    """
    source = ctx.account(account)
    path = source.application(application)
    offered, at, refused = None, source.now(), None
    try:
        fetched = await source.fetch(Application, path)
        offered, at = fetched.value, fetched.at
    except AzureError as error:  # one whose packages all wait to be activated is only known to Resource Manager
        if not error.not_found:
            gaps.note(f"what nodes are given of {application}", gaps.reason(error))
        refused = error
    packages: list[PackageResource] = []
    resource, without = None, None
    try:
        resource = (await source.managed(ApplicationResource, path)).value
        packages, _ = await source.every_managed(PackageResource, f"{path}/versions")
    except AzureError as error:
        without = _without(error)
    if offered is None and resource is None:
        if refused is None:
            raise AssertionError("an application that is not there was refused")
        if not refused.not_found:
            raise refused
        known, _, _ = await _applications(source)
        everything = Button("All applications", line(ctx, source, "application list"))
        names = (each.id for each in known)
        return missing(ctx, source, "application", application, source.name, names, ("application show",), everything)
    name = offered.id if offered else resource.name if resource else application
    known_ = Known(name, offered, resource, (await _users(source)).get(name.lower(), ()))
    return application_card(ctx, source, known_, packages, at, without)


def application_card(
    ctx: Context,
    source: Account,
    known: Known,
    packages: list[PackageResource],
    at: datetime,
    without: Footer | None = None,
) -> Card:
    """All of an application; ``without`` says what could not be read."""
    pending = [each for each in packages if each.properties.state.lower() == "pending"]
    resource = known.resource
    versions = len(packages) or len(known.versions)
    listed = {package.name.lower() for package in packages}
    rows = [_package(each, known.default) for each in sorted(packages, key=_newest, reverse=True)]
    rows += [[text(code(each)), text(package_chip("active"))] + [text(muted("–"))] * 2 for each in known.versions
             if each.lower() not in listed]  # fmt: skip
    return Card(
        title=titled(
            f"Application {known.id}",
            plural(versions, "version"),
            f"default {known.default}" if known.default else None,
            f"{plural(len(pending), 'package')} not activated" if pending else None,
        ),
        mark=Mark.WARNING if pending else Mark.RUNNING,
        as_of=at,
        blocks=blocks(
            facts(
                ("Display name", known.display_name),
                ("Default version", known.default or (text(muted("none")) if resource else None)),
                ("Packages can be replaced", yes_no(resource.properties.allow_updates) if resource else None),
                ("Used by pools", some(known.pools) or text(muted("none"))),
            ),
            *section("Packages", build.table(_PACKAGES, rows) if rows else Words(text("It has no packages."))),
            Words(
                text(
                    chip(Mark.WARNING, "not activated"),
                    ": nodes get a package only after its upload is completed by activating it.",
                )
            )
            if pending
            else None,
            note(NO_UPLOAD) if pending else None,
            without,
            build.actions(
                *_changes(ctx, source, known, packages),
                *(Button(f"Pool {each}", line(ctx, source, "pool show", each)) for each in known.pools[:3]),
                Button("All applications", line(ctx, source, "application list")),
                Button("Refresh", line(ctx, source, "application show", known.id), how="edit"),
                Button("JSON", line(ctx, source, "raw application", known.id)),
                portal(source, "applications"),
            ),
        ),
    )


def _changes(ctx: Context, source: Account, known: Known, packages: list[PackageResource]) -> list[Action]:
    """What the asker may do about its packages."""
    found: list[Action] = []
    if ctx.allows("package activate"):
        found += [
            Button(f"Activate {each.name}", line(ctx, source, "package activate", known.id, each.name), style="primary")
            for each in packages
            if each.properties.state.lower() == "pending"
        ][:_ACTIVATED]
    others = [each.name for each in packages if each.name.lower() != known.default.lower()]
    if others and ctx.allows("application default"):
        choose = template(ctx, source, "application default", known.id, "{}")
        found.append(Menu("Default version", choose, tuple(Option(each, each) for each in others)))
    return found


async def _applications(source: Account) -> tuple[list[Known], datetime, Footer | None]:
    """Both planes' applications with their pools, the time, and what could not be read."""
    (offered, at), users = await asyncio.gather(source.every(Application, "/applications"), _users(source))
    known = {each.id.lower(): Known(each.id, each, None, users.get(each.id.lower(), ())) for each in offered}
    try:
        resources, _ = await source.every_managed(ApplicationResource, "/applications")
    except AzureError as error:
        return list(known.values()), at, _without(error)
    for each in resources:
        name = each.name.lower()
        known[name] = Known(each.name, known[name].offered if name in known else None, each, users.get(name, ()))
    return list(known.values()), at, None


async def _users(source: Account) -> dict[str, tuple[str, ...]]:
    """Pools by the application that their nodes are given (lower case)."""
    listed = await gaps.maybe(
        "pools that use applications", source.every(Pool, "/pools", select="id,applicationPackageReferences")
    )
    found: dict[str, tuple[str, ...]] = {}
    for pool in listed[0] if listed else ():
        for each in pool.application_package_references:
            name = each.application_id.lower()
            found[name] = tuple(dict.fromkeys((*found.get(name, ()), pool.id)))
    return found


def _without(error: AzureError) -> Footer | None:
    """What is said where Resource Manager never tells of them; where it does not now, the answer says so above."""
    what = "default versions and the packages' states"
    why = gaps.missed(what, error)
    return build.note(f"{what.capitalize()} cannot be read: {why}") if why else None


def _row(known: Known) -> list[Text]:
    return [
        text(code(known.id)),
        text(", ".join(known.versions) if known.versions else muted("none active")),
        text(known.default or muted("–")),
        text(str(len(known.pools)) if known.pools else muted("–")),
        text(known.display_name),
    ]


def _newest(package: PackageResource) -> tuple[float, str]:
    moment = package.properties.last_activation_time
    return (moment.timestamp() if moment else float("inf"), package.name)


def _package(package: PackageResource, default: str) -> list[Text]:
    properties = package.properties
    return [
        text(code(package.name), bold(" default") if package.name.lower() == default.lower() else ""),
        text(package_chip(properties.state)),
        text(Time(properties.last_activation_time)) if properties.last_activation_time else text(muted("never")),
        text(properties.format or muted("–")),
    ]
