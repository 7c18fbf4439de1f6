"""Slack's own hosts, which alone get the bot's token, its answers and its files."""

from __future__ import annotations

from bot.chat.hosts import may_call

_SLACK = ("slack.com", "slack-gov.com")
"""Whose subdomains, such as files.slack.com, have files."""
_HOOKS = ("hooks.slack.com", "hooks.slack-gov.com")
"""Where a ``response_url`` leads."""


def ours(url: str, api: str) -> bool:
    """Whether an address is Slack's: below one of its hosts, or on the very server that the Web API is at."""
    return may_call(url, _SLACK, below=True, own=api)


def answers(url: str, api: str) -> bool:
    """Whether a ``response_url`` leads to Slack, or to the very server that the Web API is at."""
    return may_call(url, _HOOKS, own=api)
