"""Where the shared recordings, schemas and samples lie; tests that need them skip where they are absent."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(os.environ.get("BATCHBOT_SHARED", Path(__file__).resolve().parents[2] / "shared"))


def shared(path: str) -> Path:
    """The path of a shared file or folder; skips the calling test (or module) where it is absent."""
    found = ROOT / path
    if not found.exists():
        pytest.skip(f"shared data {path} is not here", allow_module_level=True)
    return found
