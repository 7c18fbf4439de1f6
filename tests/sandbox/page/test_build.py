"""Building the page, with stand-ins for npm and node that count how often they are called."""

from __future__ import annotations

import asyncio
import os
import stat
from pathlib import Path

import pytest

from bot.sandbox.page.build import WEB, BuildError, build

pytestmark = pytest.mark.skipif(os.name == "nt", reason="the stand-ins for npm and node are shell scripts")

NPM = """#!/bin/sh
echo "npm $*" >> "$CALLS"
test -z "$NPM_FAILS" || { echo "no such package"; exit 7; }
/bin/mkdir -p node_modules/esbuild/bin
"""
NODE = """#!/bin/sh
echo "node" >> "$CALLS"
for word; do case "$word" in --outfile=*) echo built > "${word#--outfile=}";; esac; done
"""


@pytest.fixture
def calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "bin"
    path.mkdir()
    for name, script in (("npm", NPM), ("node", NODE)):
        (path / name).write_text(script)
        (path / name).chmod(stat.S_IRWXU)
    monkeypatch.setenv("PATH", str(path))
    monkeypatch.setenv("CALLS", str(tmp_path / "calls"))
    (tmp_path / "calls").touch()
    return tmp_path / "calls"


@pytest.fixture
def web(tmp_path: Path) -> Path:
    source = tmp_path / "web" / "src"
    source.mkdir(parents=True)
    for name in ("package.json", "package-lock.json"):
        (tmp_path / "web" / name).write_text("{}")
    (source / "index.html").write_text("<p>the panes</p>")
    (source / "main.tsx").write_text("let here;")
    return tmp_path / "web"


def _lines(file: Path) -> list[str]:
    return file.read_text().splitlines()


async def test_it_is_built_once_for_each_state_of_its_sources(tmp_path: Path, web: Path, calls: Path) -> None:
    first = await build(web, tmp_path / "cache")
    assert (first / "index.html").read_text() == "<p>the panes</p>"
    assert (first / "page.js").read_text() == "built\n"
    assert await build(web, tmp_path / "cache") == first
    assert _lines(calls) == ["npm ci --ignore-scripts --omit=dev --no-audit --no-fund", "node"]

    (web / "src" / "main.tsx").write_text("let there;")
    assert await build(web, tmp_path / "cache") != first
    assert _lines(calls)[2:] == ["node"]

    (web / "package-lock.json").write_text('{"lockfileVersion": 3}')
    await build(web, tmp_path / "cache")
    assert len(_lines(calls)) == 5
    assert not (web / "node_modules").exists()


async def test_two_may_build_at_once(tmp_path: Path, web: Path, calls: Path) -> None:
    one, other = await asyncio.gather(build(web, tmp_path / "cache"), build(web, tmp_path / "cache"))
    assert one == other
    assert len(list((tmp_path / "cache").iterdir())) == 2


async def test_a_failure_is_told_in_npms_words_and_leaves_nothing(
    tmp_path: Path, web: Path, calls: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NPM_FAILS", "yes")
    with pytest.raises(BuildError, match=r"code 7: no such package"):
        await build(web, tmp_path / "cache")
    assert list((tmp_path / "cache").iterdir()) == []


async def test_without_npm_it_says_so(tmp_path: Path, web: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BuildError, match="npm is not installed"):
        await build(web, tmp_path / "cache")


async def test_a_cache_that_cannot_be_written_is_told(tmp_path: Path, web: Path, calls: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(BuildError, match="cannot be used"):
        await build(web, tmp_path / "file" / "cache")


def test_the_lock_file_names_no_registry() -> None:
    assert '"resolved"' not in (WEB / "package-lock.json").read_text()
