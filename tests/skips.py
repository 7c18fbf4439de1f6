"""Tests that need something of the machine skip with a reason where it is missing, and fail where it may not be."""

from __future__ import annotations

import os
import shutil
from typing import NoReturn

import pytest


def need(what: str) -> None:
    """Skip the calling test (or module) where the program ``what`` is not installed; see :func:`lacking`."""
    if shutil.which(what) is None:
        lacking(what, f"{what} is not installed")


def lacking(what: str, why: str) -> NoReturn:
    """Skip and say why; fail where ``what`` stands in the comma-separated variable BATCHBOT_NO_SKIP."""
    if what in os.environ.get("BATCHBOT_NO_SKIP", "").split(","):
        pytest.fail(f"{why}, and BATCHBOT_NO_SKIP has {what}", pytrace=False)
    pytest.skip(why, allow_module_level=True)
