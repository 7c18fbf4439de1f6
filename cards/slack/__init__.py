"""The neutral card in Slack's words: messages, modals, and what comes back from them."""

from cards.slack.form import decode_submission, render_form
from cards.slack.message import decode_click, render

__all__ = ["decode_click", "decode_submission", "render", "render_form"]
