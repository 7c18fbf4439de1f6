"""The demo's page: a Slack pane and a Microsoft Teams pane side by side in one browser window."""

from bot.sandbox.page.server import Page

__all__ = ["Page"]
