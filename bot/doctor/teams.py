"""Teams: whether the bot proves who it is, and whether the conversations it knows still take it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import aiohttp
import msgspec
from azure.core.credentials_async import AsyncTokenCredential

from bot.azure.errors import AzureError
from bot.chat.request import Conversation
from bot.chat.teams.credentials import credential_of
from bot.chat.teams.errors import TeamsError
from bot.chat.teams.library import load
from bot.chat.teams.outbound import allowed
from bot.chat.teams.sdk import Connector
from bot.chat.teams.settings import TeamsSettings
from bot.doctor.finding import Finding, broken, fine, look
from bot.doctor.identity import Identity, identity_of
from bot.settings import SettingsError

SOON, VERY_SOON = 30, 7
"""Days before the end of a secret on which it is told of."""
_KINDS = {
    "managed_identity": "a user-assigned managed identity: no secret that could expire",
    "client_secret": "a single-tenant app registration with a client secret",
    "workload_identity": "an identity or app registration that trusts a cluster: no secret that could expire",
    "federated_identity": "a single-tenant app registration that trusts an identity: no secret that could expire",
}
_SIGN_IN = {
    "managed_identity": "assign the identity whose client id is teams.app_id to the machine, container app or pod of "
    'the bot; one that is an app registration with a secret says credential = "client_secret"',
    "client_secret": "check teams.app_id, teams.tenant_id and the secret",
    "workload_identity": "check teams.app_id, teams.tenant_id, and the federated credential of the service account",
    "federated_identity": "assign the identity teams.identity_client_id to the machine, container app or pod of the "
    "bot, and check that the app teams.app_id trusts it",
}
"""What to do where no token is had, by the kind of registration."""
_PORTAL = "Microsoft Entra ID, App registrations, the bot, Certificates & secrets"


class TeamsLooks:
    """Teams as the settings have it. ``asks_graph`` where the bot has access to Microsoft Graph already."""

    def __init__(self, settings: TeamsSettings, environment: Mapping[str, str], *, asks_graph: bool) -> None:
        self._settings = settings
        self._environment = environment
        self._asks_graph = asks_graph

    async def registration(self) -> list[Finding]:
        """The kind of registration, its token, and how long its secret lasts."""
        settings, what = self._settings, "teams: registration"
        kind = _KINDS[settings.credential]
        try:
            credential = credential_of(settings, self._environment)
        except SettingsError as error:
            return [broken(what, "; ".join(error.lines))]
        try:
            identity = await identity_of(credential, settings.scope, "the Bot Connector")
            found = [_as_registered(what, kind, identity, settings)]
            if settings.credential == "client_secret":
                found.append(await self._secret(credential))
        except AzureError as error:
            return [broken(what, f"{kind}: {error.message}", _SIGN_IN[settings.credential])]
        finally:
            await credential.close()
        return found

    async def _secret(self, credential: AsyncTokenCredential) -> Finding:
        what, settings = "teams: client secret", self._settings
        unknown = "when it expires cannot be read without Graph's permission Application.Read.All"
        if not self._asks_graph:
            return fine(what, f"is accepted; {unknown}: see {_PORTAL}")
        try:
            token = (await credential.get_token(settings.graph_scope)).token
            url = (
                f"{settings.graph_url.rstrip('/')}/applications(appId='{settings.app_id}')?$select=passwordCredentials"
            )
            async with (
                aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as session,
                session.get(url, headers={"Authorization": f"Bearer {token}"}, allow_redirects=False) as answer,
            ):
                if answer.status != 200:
                    return fine(what, f"is accepted; {unknown} (Graph answers {answer.status}): see {_PORTAL}")
                told: Any = msgspec.json.decode(await answer.read())
            ends = [datetime.fromisoformat(each["endDateTime"]) for each in told["passwordCredentials"]]
        except (aiohttp.ClientError, TimeoutError, OSError, msgspec.MsgspecError, LookupError, ValueError, TypeError):
            return fine(what, f"is accepted; {unknown}: see {_PORTAL}")
        return _expiry(what, ends, datetime.now(UTC))

    async def conversations(self, known: Sequence[Conversation], wanted: Sequence[str]) -> list[Finding]:
        """Each known conversation is asked for one of its members, which posts nothing; ``wanted`` are ids."""
        try:
            credential = credential_of(self._settings, self._environment)
        except SettingsError:
            return []  # told of by the registration
        settings = self._settings
        try:
            async with aiohttp.ClientSession() as session:
                connector = load(settings.sdk).connector(
                    session, credential, app_id=settings.app_id, scope=settings.scope
                )
                found = [await self._reached(connector, each) for each in known]
        finally:
            await credential.close()
        ids = {each.id for each in known}
        for id_ in wanted:
            if id_ not in ids:
                told = "the bot was never seen there, so it has no address to post to"
                todo = "add the app to that team or chat, or mention the bot there once while it runs"
                found.append(look(f"teams: conversation {id_}", told, todo))
        return found

    async def _reached(self, connector: Connector, conversation: Conversation) -> Finding:
        what = f"teams: conversation {conversation.name or conversation.id}"
        if not allowed(conversation.service_url, self._settings.service_hosts):
            found = f"its service URL {conversation.service_url} is none that a token is sent to"
            return broken(what, found, "if it is Microsoft's, add its host to teams.service_hosts")
        try:
            await connector.look(conversation.service_url, conversation.id)
        except TeamsError as error:
            if error.code == "NoToken":
                return broken(what, "not tried, for the bot gets no token", "mend the registration first")
            return broken(what, f"Teams refuses: {error}", _todo(error))
        return fine(what, "answers")


def _todo(error: TeamsError) -> str:
    if error.gone:
        return "add the app there again, or unsubscribe it"
    if error.status == 401:
        return "check that teams.app_id is the bot's, and that its Azure Bot has the Teams channel"
    return "allow the app in the Teams admin centre" if error.code == "BotDisabledByAdmin" else "try again later"


def _as_registered(what: str, kind: str, identity: Identity, settings: TeamsSettings) -> Finding:
    for key, theirs, ours in (
        ("app_id", identity.app, settings.app_id),
        ("tenant_id", identity.tenant, settings.tenant_id),
    ):
        if theirs and theirs.lower() != ours.lower():
            return broken(what, f"{kind}; the token is of {theirs}, the settings say {ours}", f"mend teams.{key}")
    return fine(what, f"{kind}; a token for app {settings.app_id} in tenant {settings.tenant_id}")


def _expiry(what: str, ends: Sequence[datetime], now: datetime) -> Finding:
    """The last of the secrets counts: which of them the bot uses is not told."""
    todo = f"make a new one ({_PORTAL}), and give it to the bot"
    if not ends:
        return look(what, "the registration lists none, yet one is accepted", f"look at {_PORTAL}")
    days = (max(ends) - now).days
    if days < 0:
        return broken(what, f"expired on {max(ends):%Y-%m-%d}", todo)
    found = f"expires on {max(ends):%Y-%m-%d}, in {days} days"
    if days > SOON:
        return fine(what, found)
    return look(what, found, f"now: {todo}" if days <= VERY_SOON else todo)
