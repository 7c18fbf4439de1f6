"""Applications and their packages."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime

from bot.azure.account import Account
from bot.azure.errors import AzureError
from bot.azure.models import Application, ApplicationResource, PackageResource, Pool
from bot.commands import command
from bot.context import Context
from cards import build
from cards.build import blocks, bold, chip, code, facts, muted, text
from cards.card import Button, Card, Column, Footer, Mark, Text, Time, Words
from cards.phrases import plural
from handlers.common import line, section, some, template, titled
from handlers.missing import missing
from handlers.portal import portal
from handlers.states import package_chip
from handlers.work import yes_no

_COLUMNS = (
    Column("Application", width=3),
    Column("Versions", rank=2, width=3),
    Column("Default version", rank=1, width=2),
    Column("Pools", "right", rank=3),
    Column("Display name", rank=4, width=2),
)
_PACKAGES = (
    Column("Version", width=2),
    Column("State", width=2),
    Column("Last activated", rank=1, width=3),
    Column("Format", rank=2),
)


@dataclass(frozen=True)
class Known:
    """An application by what the data plane and Resource Manager know; either may be missing."""

    id: str
    offered: Application | None = None
    resource: ApplicationResource | None = None

    @property
    def display_name(self) -> str:
        """A name for people."""
        told = self.resource.properties.display_name if self.resource else ""
        return told or (self.offered.display_name if self.offered else "")

    @property
    def versions(self) -> tuple[str, ...]:
        """Versions that nodes can be given."""
        return self.offered.versions if self.offered else ()

    @property
    def default(self) -> str:
        """The version of references that name none."""
        return self.resource.properties.default_version if self.resource else ""


@command("application list", examples=["application list"])
async def list_applications(ctx: Context, *, page: int = 1, account: str | None = None) -> Card:
    """List the applications of an account with their versions, the default one, and how many pools use them.

    :param page: which page of 20
    :param account: the account, by its name in the settings
    """
    source = ctx.account(account)
    (known, at, without), pools = await asyncio.gather(_applications(source), _users(source))
    page = build.within(page, len(known))
    rows = known[(page - 1) * build.PAGE : page * build.PAGE]
    back, on = build.pager(line(ctx, source, "application list"), page, len(known))
    return Card(
        title=titled(f"Applications in {source.name}", build.shown(page, len(rows), len(known))),
        mark=Mark.RUNNING,
        as_of=at,
        blocks=blocks(
            build.table(_COLUMNS, [_row(each, pools.get(each.id.lower(), [])) for each in rows])
            if rows
            else Words(text("This account has no applications.")),
            without,
            build.actions(
                back,
                on,
                build.open_menu(
                    "Open an application",
                    template(ctx, source, "application show", "{}"),
                    [each.id for each in rows],
                ),
                Button("Pools", line(ctx, source, "pool list")),
                Button("Refresh", line(ctx, source, "application list", page=page), how="edit"),
            ),
        ),
    )


@command("application show", examples=["application show renderer"])
async def show_application(ctx: Context, application: str, *, account: str | None = None) -> Card:
    """Show one application: its packages by version with state, format and last activation, and the pools using it.

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
            raise
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
        known, _, _ = await _applications(source)
        everything = Button("All applications", line(ctx, source, "application list"))
        names = (each.id for each in known)
        return missing(ctx, source, "application", application, source.name, names, ("application show",), everything)
    known_ = Known(offered.id if offered else resource.name if resource else application, offered, resource)
    users = (await _users(source)).get(known_.id.lower(), [])
    return application_card(ctx, source, known_, packages, users, at, without)


def application_card(
    ctx: Context,
    source: Account,
    known: Known,
    packages: list[PackageResource],
    users: list[str],
    at: datetime,
    without: Footer | None = None,
) -> Card:
    """All of an application; ``users`` are pools that refer to it, ``without`` says what could not be read."""
    pending = [each for each in packages if each.properties.state.lower() == "pending"]
    resource = known.resource
    versions = len(packages) or len(known.versions)
    told = {package.name.lower() for package in packages}
    rows = [_package(each, known.default) for each in sorted(packages, key=_newest, reverse=True)]
    rows += [[text(code(each)), text(package_chip("active"))] + [text(muted("–"))] * 2 for each in known.versions
             if each.lower() not in told]  # fmt: skip
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
                ("Used by pools", some(users) or text(muted("none"))),
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
            without,
            build.actions(
                *(Button(f"Pool {each}", line(ctx, source, "pool show", each)) for each in users[:3]),
                Button("All applications", line(ctx, source, "application list")),
                Button("Refresh", line(ctx, source, "application show", known.id), how="edit"),
                portal(source, "applications"),
            ),
        ),
    )


async def _applications(source: Account) -> tuple[list[Known], datetime, Footer | None]:
    """Both planes' applications by name, the time, and what could not be read."""
    offered, at = await source.every(Application, "/applications")
    known = {each.id.lower(): Known(each.id, each) for each in offered}
    try:
        resources, _ = await source.every_managed(ApplicationResource, "/applications")
    except AzureError as error:
        return sorted(known.values(), key=_name), at, _without(error)
    for each in resources:
        before = known.get(each.name.lower())
        known[each.name.lower()] = Known(each.name, before.offered if before else None, each)
    return sorted(known.values(), key=_name), at, None


def _name(known: Known) -> str:
    return known.id.lower()


async def _users(source: Account) -> dict[str, list[str]]:
    """Pools by the application that their nodes are given (lower case)."""
    pools, _ = await source.every(Pool, "/pools", select="id,applicationPackageReferences")
    found: dict[str, list[str]] = {}
    for pool in pools:
        for each in pool.application_package_references:
            found.setdefault(each.application_id.lower(), []).append(pool.id)
    return found


def _without(error: AzureError) -> Footer | None:
    return build.note(f"Default versions and the packages' states are not to be had: {error.message}")


def _row(known: Known, users: list[str]) -> list[Text]:
    return [
        text(code(known.id)),
        text(", ".join(known.versions) if known.versions else muted("none active")),
        text(known.default or muted("–")),
        text(str(len(users)) if users else muted("–")),
        text(known.display_name),
    ]


def _newest(package: PackageResource) -> tuple[float, str]:
    moment = package.properties.last_activation_time
    return (moment.timestamp() if moment else float("inf"), package.name)


def _package(package: PackageResource, default: str) -> list[Text]:
    told = package.properties
    return [
        text(code(package.name), bold(" default") if package.name.lower() == default.lower() else ""),
        text(package_chip(told.state)),
        text(Time(told.last_activation_time)) if told.last_activation_time else text(muted("never")),
        text(told.format or muted("–")),
    ]
