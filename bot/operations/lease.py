"""Who works on a row, and for how long: what a crash left is taken over once its lease has run out."""

from __future__ import annotations

import os
import secrets
import socket
from datetime import timedelta

HELD = timedelta(seconds=10)
"""For how long a row is held: what a crash interrupted goes on after that at the latest, once an instance runs."""
RENEWALS = 3
"""How often a row is renewed while it is held once: two renewals may come late."""


def holder() -> str:
    """A name for this instance, which no other has: host, process, and a random part."""
    return f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"
