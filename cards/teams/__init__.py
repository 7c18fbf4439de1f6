"""The neutral card in Teams' words: Adaptive Cards, dialogs, and what comes back from them."""

from cards.teams.form import decode_submission, render_form
from cards.teams.message import decode_click, render

__all__ = ["decode_click", "decode_submission", "render", "render_form"]
