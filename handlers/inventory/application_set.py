"""What can be changed of applications: their default version, and packages that wait to be activated."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable

from msgspec import Struct

from bot.azure.account import Account
from bot.azure.errors import AzureError
from bot.azure.models import ApplicationResource, PackageResource
from bot.azure.plane import Written
from bot.azure.writes import managed
from bot.operations.preflight import Difference, Fix, Preflight
from bot.operations.run import Run
from bot.operations.workflow import Outcome, workflow
from bot.requests.command import command
from bot.requests.context import Context
from cards.card import Button, Card
from cards.command_line import join, named
from handlers.shared.common import line, nearest
from handlers.shared.preflight import blocked

NO_UPLOAD = (
    "The bot cannot upload package files: they go to the account's storage account, in the portal or with "
    "“az batch application package create”, which activates them as well."
)


class Asked(Struct, frozen=True):
    """Which version of which application; ``show`` is the command that shows it, ``back`` the beginning of undoing."""

    application: str
    version: str
    show: str
    back: str = ""


async def default_preflight(ctx: Context, application: str, version: str, *, account: str | None = None) -> Preflight:
    """Whether there is such a version, and which one it is now."""
    source = ctx.account(account)
    found = await _packages(ctx, source, application, version, "application default")
    if isinstance(found, Preflight):
        return found
    resource, package = found
    now = resource.properties.default_version
    if now.lower() == package.name.lower():
        return Preflight(f"{package.name} is the default version of {resource.name} already.")
    effects = ["Pools and tasks that name no version get it: nodes at their next start, tasks when they begin."]
    if package.properties.state.lower() != "active":
        effects.append(f"Package {package.name} is not activated: until it is, such nodes and tasks fail.")
    return Preflight(
        differences=(Difference("Default version", now or "none", package.name),),
        effects=tuple(effects),
        state=f"{resource.etag} {package.properties.state}",
    )


@command(
    "application default",
    effect="change",
    azure=True,
    check="application show {application}",
    preflight=default_preflight,
    names={"version": "package"},
    uses=["version"],
    examples=["application default renderer 4.2"],
)
async def set_default(
    ctx: Context, application: str, version: str, *, account: str | None = None
) -> AsyncIterator[Card]:
    """Set which version of an application is used where none is named.

    :param application: the application's id
    :param version: the version
    :param account: the account, by its name in the settings
    """
    source = ctx.account(account)
    show, back = (line(ctx, source, f"application {verb}", application) for verb in ("show", "default"))
    asked = Asked(application, version, show, back)
    async for card in ctx.operate("application default", source, application, asked):
        yield card


@workflow("application default", Asked, "Setting the default version of {}")
async def setting_default(run: Run, asked: Asked) -> Outcome:
    """Ask for it; sent twice it is as good as once."""

    async def now() -> str:
        path = run.account.application(asked.application)
        return (await run.account.managed(ApplicationResource, path)).value.properties.default_version

    def send() -> Awaitable[Written]:
        return managed.patch_application(run.writer, asked.application, {"defaultVersion": asked.version})

    before = await run.once("before", str, now)
    await run.write("default", f"Ask Azure for {asked.version}", send, repeatable=True)
    back = f"{asked.back} {join([named(before)])}" if before else ""
    return Outcome(
        f"{asked.version} is the default version of {asked.application}",
        (),
        (Button("Open application", asked.show, style="primary"),),
        undo=back,
        before=before or "none",
        after=asked.version,
    )


async def activate_preflight(ctx: Context, application: str, version: str, *, account: str | None = None) -> Preflight:
    """Whether there is such a package, and whether it waits."""
    source = ctx.account(account)
    found = await _packages(ctx, source, application, version, "package activate")
    if isinstance(found, Preflight):
        return found
    _, package = found
    if package.properties.state.lower() == "active":
        return Preflight(f"Package {package.name} of {application} is active already.")
    return Preflight(
        effects=("Nodes that use it get it at their next start, tasks when they begin.",),
        differences=(Difference(f"Package {package.name}", "not activated", "active"),),
        state=package.etag,
    )


@command(
    "package activate",
    effect="change",
    azure=True,
    check="application show {application}",
    preflight=activate_preflight,
    names={"version": "package"},
    examples=["package activate renderer 4.2"],
)
async def activate(ctx: Context, application: str, version: str, *, account: str | None = None) -> AsyncIterator[Card]:
    """Activate a package whose file was uploaded, so that nodes and tasks can have it.

    The bot cannot upload files: they go to the account's storage account.

    :param application: the application's id
    :param version: the version
    :param account: the account, by its name in the settings
    """
    source = ctx.account(account)
    asked = Asked(application, version, line(ctx, source, "application show", application))
    async for card in ctx.operate("package activate", source, f"{application} {version}", asked):
        yield card


@workflow("package activate", Asked, "Activating package {}")
async def activating(run: Run, asked: Asked) -> Outcome:
    """Ask for it; sent twice it is as good as once."""

    def send() -> Awaitable[Written]:
        return managed.activate_package(run.writer, asked.application, asked.version)

    await run.write("activate", "Ask Azure to activate it", send, repeatable=True)
    return Outcome(
        f"Package {asked.version} of {asked.application} is active",
        (),
        (Button("Open application", asked.show, style="primary"),),
        before="not activated",
        after="active",
    )


async def _packages(
    ctx: Context, source: Account, application: str, version: str, path: str
) -> tuple[ApplicationResource, PackageResource] | Preflight:
    """The application and the package of that version; the refusal where there is none. ``path`` is the command's."""
    if stopped := blocked(source):
        return stopped
    where = source.application(application)
    try:
        resource = (await source.managed(ApplicationResource, where)).value
    except AzureError as error:
        if not error.not_found:
            raise
        return Preflight(
            f"There is no application “{application}” in {source.name}.",
            fixes=(Fix("All applications", line(ctx, source, "application list")),),
        )
    packages, _ = await source.every_managed(PackageResource, f"{where}/versions")
    found = next((each for each in packages if each.name.lower() == version.lower()), None)
    if found:
        return resource, found
    names = [each.name for each in packages]
    near = nearest(version, names) or names
    there = f"It has {', '.join(near)}." if near else "It has no packages."
    return Preflight(
        f"{resource.name} has no version “{version}”. {there} {NO_UPLOAD}",
        fixes=tuple(Fix(f"Take {each}", line(ctx, source, path, resource.name, each)) for each in near[:3]),
    )
