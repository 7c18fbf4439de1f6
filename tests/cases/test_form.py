"""Every theme can be read, is tried by a test of its name, and says each situation once."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cases import cases

HERE = Path(__file__).parent


@pytest.mark.parametrize("theme", sorted(path.stem for path in HERE.glob("*.toml")))
def test_a_theme(theme: str) -> None:
    names = [each.id for each in cases(theme)]
    assert names
    assert len(names) == len(set(names))
    assert (HERE / f"test_{theme}.py").exists()
