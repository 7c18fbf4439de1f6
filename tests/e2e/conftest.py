"""What the tests of the page share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture
def shots(tmp_path: Path) -> Path:
    folder = Path(os.environ.get("BATCHBOT_ARTIFACTS", tmp_path / "shots"))
    folder.mkdir(parents=True, exist_ok=True)
    return folder
