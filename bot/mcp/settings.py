"""The sections ``[[mcp]]`` of the settings: for whom programs may ask."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct, field

from bot.chat.platforms import PLATFORMS
from bot.policy.settings import channel_mistakes, is_email, is_group, no_id
from bot.secrets import held
from bot.settings import SettingsError

SHORTEST = 32
"""Characters of a token: what ``openssl rand -hex 16`` makes."""


class McpSettings(Struct, forbid_unknown_fields=True, frozen=True):
    """One person for whom programs may ask (Model Context Protocol; docs/mcp.md)."""

    person: str
    """In whose name, with whose permissions: ``slack:U…``, ``teams:<directory object id>``."""
    token_env: str = ""
    """Variable with the token that the person's programs send over HTTP; empty: no access over HTTP."""
    changes: bool = False
    """Whether changes can be asked for. Each is asked about in the chat, and done when the person says yes there."""
    conversation: str = ""
    """Where that is asked, ``slack:C…`` or ``teams:19:…``; the person's own chat with the bot where left out."""
    tools: list[str] = field(default_factory=lambda: ["*"])
    """Which commands are tools, by their path: ``pool *``, ``why *``, ``*``."""
    pictures: bool = True
    """Whether charts come as pictures, besides their figures in words."""

    def secrets(self, number: int) -> Iterator[tuple[str, str]]:
        """The key that names a variable which has to be set, and the variable."""
        if self.token_env:
            yield f"mcp {number}.token_env", self.token_env


def mcp_mistakes(people: Sequence[McpSettings]) -> Iterator[str]:
    """What types cannot say of all sections, a line each."""
    variables: set[str] = set()
    for number, each in enumerate(people, 1):
        where = f"mcp {number}"
        name, _, own = each.person.partition(":")
        if is_email(each.person):
            yield no_id(f"{where}.person", each.person)
        elif name not in PLATFORMS or not own or is_group(each.person):
            yield f"{where}.person: {each.person!r} is nobody's id: write PLATFORM:ID, such as slack:U012AB3CD"
        if each.token_env and each.token_env in variables:
            yield f"{where}.token_env: {each.token_env} is another person's token already: give each their own"
        variables.add(each.token_env)
        if each.conversation and not (wrong := list(channel_mistakes(f"{where}.conversation", each.conversation))):
            if each.conversation.partition(":")[0] != name:
                yield f"{where}.conversation: {each.conversation!r} is not on the person's platform: write {name}:ID"
        elif each.conversation:
            yield from wrong


def token_mistakes(people: Sequence[McpSettings], environment: Mapping[str, str]) -> Iterator[str]:
    """What is wrong with the tokens themselves, a line each; none is shown."""
    seen: set[str] = set()
    for number, each in enumerate(people, 1):
        try:
            token = held(each.token_env, environment) if each.token_env else ""
        except SettingsError:  # a file that cannot be read: that is said of all that variables hold
            continue
        if token and len(token) < SHORTEST:
            yield (
                f"mcp {number}.token_env: the token has fewer than {SHORTEST} characters: make one with "
                "“openssl rand -hex 32”"
            )
        elif token and token in seen:
            yield f"mcp {number}.token_env: the token is another person's already: give each their own"
        seen.add(token)
