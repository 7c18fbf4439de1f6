"""``batchbot doctor`` as its user starts it."""

from __future__ import annotations

from pathlib import Path

import msgspec

from tests.test_cli import batchbot


def test_settings_that_are_not_there(tmp_path: Path) -> None:
    done = batchbot("doctor", folder=tmp_path)
    assert done.returncode == 2
    assert done.stdout.startswith("✖ settings: batchbot.toml: no such file.")
    assert done.stdout.endswith("1 looked at: 0 fine, 0 to look at, 1 that does not work.\n")
    done = batchbot("doctor", "--json", "--no-probe", folder=tmp_path)
    assert done.returncode == msgspec.json.decode(done.stdout)["exit"] == 2
    assert done.stderr == ""
