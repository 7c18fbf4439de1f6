"""Imports run one way, no two packages import each other, and the tree is as the design page says.

The contracts are import-linter's, in ``pyproject.toml``.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from importlinter.cli import EXIT_STATUS_SUCCESS, lint_imports

ROOT = Path(__file__).resolve().parents[1]
CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]["contracts"]
LAYERS = [name for line in CONTRACTS[0]["layers"] for name in line.split(" | ")]
DESIGN = (ROOT / "docs/design.md").read_text(encoding="utf-8")
LONGEST = 400
"""Lines of a module of the program; longer ones are named here with what keeps them together."""
LONGER = {
    "bot/azure/models/pool.py": "one struct for each part of a pool, as the service sends it",
}


@pytest.mark.parametrize("contract", [each["id"] for each in CONTRACTS])
def test_imports(contract: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.syspath_prepend(str(ROOT))
    status = lint_imports(config_filenames=("pyproject.toml",), limit_to_contracts=(contract,), no_cache=True)
    assert status == EXIT_STATUS_SUCCESS, capsys.readouterr().out


def test_every_package_has_its_layer() -> None:
    packages = {path.parent.name for path in (ROOT / "bot").glob("*/__init__.py")} - {"sandbox"}
    modules = {path.stem for path in (ROOT / "bot").glob("*.py")} - {"__init__"}
    assert packages | modules == {name.removeprefix("bot.") for name in LAYERS if name.startswith("bot.")}


def test_the_design_page_shows_the_layers() -> None:
    block = re.search(r"other:\n\n((?:    .*\n)+)", DESIGN)
    assert block, "docs/design.md has no list of layers"
    assert re.findall(r"[\w.]+", block[1].replace("→", " ")) == LAYERS


def test_the_design_page_names_files_that_are_there() -> None:
    table = DESIGN[DESIGN.index("## Where to change what") : DESIGN.index("## A request's way")]
    named = re.findall(r"`([\w/]+\.(?:py|md|toml|json))`", table)
    assert len(named) >= 10
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_no_module_is_too_long_to_be_read() -> None:
    long = {
        str(path.relative_to(ROOT))
        for path in (ROOT / "bot").rglob("*.py")
        if "sandbox" not in path.parts and path.read_text(encoding="utf-8").count("\n") > LONGEST
    }
    assert long == LONGER.keys()
