"""Slack: whether it knows the bot, which scopes it gave, and whether each channel takes what the bot says."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import aiohttp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.chat.slack.errors import code_of, status_of
from bot.chat.slack.settings import SlackSettings
from bot.doctor.finding import Finding, broken, fine, look
from bot.secrets import secret
from bot.settings import SettingsError
from bot.tools.slack_manifest import SCOPES

PROBE = "batchbot doctor: can I post here? Yes; this line goes again at once."
_TIMEOUT = 10
_FAILURES = (aiohttp.ClientError, TimeoutError, OSError)
_LINKS = frozenset({"links:read", "links:write"})
"""Scopes without which all else works: apps that are older than them have not been granted them."""
_INVITE = "invite the bot: write /invite @{bot} in the channel"
_TODO = {
    "is_archived": "unarchive the channel, or take it out of the settings and unsubscribe it",
    "not_in_channel": _INVITE,
    "channel_not_found": "check the id; a private channel is only seen from inside, so invite the bot there",
    "restricted_action": "the channel lets only some people post: allow the bot, or choose another channel",
    "invalid_auth": "copy the bot token (xoxb-…) from OAuth & Permissions of the app again",
    "account_inactive": "the app was removed from the workspace: install it again",
    "token_revoked": "the token was revoked: install the app again, and give the bot its new token",
    "not_allowed_token_type": "this token is of another kind: bot tokens begin with xoxb-, app-level ones with xapp-",
    "socket_mode_not_enabled": "switch Socket Mode on in the app, or set slack.mode to http",
}


class SlackLooks:
    """Slack as the settings have it. ``probe`` posts a line in each channel and deletes it."""

    def __init__(self, settings: SlackSettings, environment: Mapping[str, str], *, probe: bool) -> None:
        self._settings = settings
        self._environment = environment
        self._probe = probe
        self._turns = asyncio.Semaphore(3)

    async def app(self) -> list[Finding]:
        """Who the bot is, and the scopes that its token has."""
        try:
            answer = await self._client(self._settings.bot_token_env).auth_test()
        except SettingsError as error:
            return [_untried("slack: bot", error)]
        except SlackApiError as error:
            return [_refused("slack: bot", error)]
        except _FAILURES as error:
            return [self._silent("slack: bot", error)]
        found = [fine("slack: bot", f"@{answer['user']} in {answer['team']} ({answer['team_id']})")]
        granted = _scopes(answer.headers)
        return [*found, *_compared(granted)] if granted else found

    async def socket(self) -> list[Finding]:
        """Whether the app-level token opens a socket. Opening is asked for; nothing connects."""
        try:
            await self._client(self._settings.app_token_env).apps_connections_open(app_token=self._token(app=True))
        except SettingsError as error:
            return [_untried("slack: Socket Mode", error)]
        except SlackApiError as error:
            todo = "make an app-level token (xapp-…) with the scope connections:write under Basic Information"
            return [_refused("slack: Socket Mode", error, todo)]
        except _FAILURES as error:
            return [self._silent("slack: Socket Mode", error)]
        return [fine("slack: Socket Mode", "the app-level token opens a socket")]

    async def channel(self, id_: str) -> list[Finding]:
        """Whether the bot is in a channel, and can post there."""
        what = f"slack: channel {id_}"
        async with self._turns:
            try:
                client = self._client(self._settings.bot_token_env)
                channel = (await client.conversations_info(channel=id_))["channel"]
                if name := channel.get("name"):
                    what = f"slack: channel #{name} ({id_})"
                if channel.get("is_archived"):
                    return [broken(what, "is archived: nothing can be posted", _TODO["is_archived"])]
                if not channel.get("is_member") and not channel.get("is_im"):
                    return [broken(what, "the bot is not in it", await self._invite(client))]
                return [await self._posted(client, what, id_)] if self._probe else [fine(what, "the bot is in it")]
            except SettingsError as error:
                return [_untried(what, error)]
            except SlackApiError as error:
                return [_refused(what, error)]
            except _FAILURES as error:
                return [self._silent(what, error)]

    async def _invite(self, client: AsyncWebClient) -> str:
        return _INVITE.format(bot=(await client.auth_test())["user"])

    @staticmethod
    async def _posted(client: AsyncWebClient, what: str, id_: str) -> Finding:
        posted = await client.chat_postMessage(channel=id_, text=PROBE)
        try:
            await client.chat_delete(channel=str(posted["channel"]), ts=str(posted["ts"]))
        except SlackApiError as error:
            found = f"takes what the bot posts, but did not delete the line again ({code_of(error)})"
            return look(what, found, "delete that line by hand")
        return fine(what, "a line was posted and deleted")

    def _token(self, *, app: bool = False) -> str:
        settings = self._settings
        return secret(settings.app_token_env if app else settings.bot_token_env, self._environment).reveal()

    def _client(self, variable: str) -> AsyncWebClient:
        token = secret(variable, self._environment).reveal()
        return AsyncWebClient(token=token, base_url=self._settings.api_url, retry_handlers=[], timeout=_TIMEOUT)

    def _silent(self, what: str, error: Exception) -> Finding:
        found = f"{self._settings.api_url} does not answer ({type(error).__name__})"
        return broken(what, found, "check the network, its proxy and firewalls")


def _compared(granted: frozenset[str]) -> list[Finding]:
    """The scopes of the token beside those of the manifest."""
    found = []
    todo = "update the app's manifest (batchbot manifest) and install the app again"
    if lacking := sorted(set(SCOPES) - granted - _LINKS):
        found.append(broken("slack: scopes", f"missing: {', '.join(lacking)}", todo))
    if unseen := sorted(_LINKS - granted):
        found.append(look("slack: links", f"get no card, missing: {', '.join(unseen)}", todo))
    if more := sorted(granted - set(SCOPES)):
        todo = "take them out under OAuth & Permissions and install the app again: the bot does not use them"
        found.append(look("slack: scopes", f"superfluous: {', '.join(more)}", todo))
    return found or [fine("slack: scopes", f"all {len(SCOPES)} of the manifest, and no other")]


def _scopes(headers: Mapping[str, str]) -> frozenset[str]:
    """What Slack says that the token may; nothing where it does not say."""
    told = next((value for name, value in headers.items() if name.lower() == "x-oauth-scopes"), "")
    return frozenset(each.strip() for each in told.split(",") if each.strip())


def _refused(what: str, error: SlackApiError, todo: str = "") -> Finding:
    code = code_of(error)
    if status_of(error) >= 500 or not code:
        return broken(what, f"Slack answers {status_of(error)}", "try again; see https://slack-status.com")
    if code == "missing_scope":
        data = error.response.data if isinstance(error.response.data, dict) else {}
        needed = data.get("needed", "")
        return broken(what, f"Slack refuses: missing_scope ({needed})", "add that scope and install the app again")
    otherwise = f"see https://docs.slack.dev for the error {code}"
    return broken(what, f"Slack refuses: {code}", _TODO.get(code, todo or otherwise).format(bot="batchbot"))


def _untried(what: str, error: SettingsError) -> Finding:
    return broken(what, f"not tried: {error.lines[0].partition(': ')[0]}", "see what is said of the settings")
