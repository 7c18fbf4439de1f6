"""The wheel alone, in an environment that has nothing else: every file that the program reads is in it."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_it_runs_from_the_wheel_with_the_libraries_of_the_image(tmp_path: Path) -> None:
    wheels, empty = tmp_path / "wheels", tmp_path / "empty"
    run(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", wheels, source(tmp_path))
    venv.create(empty, with_pip=True)
    python, command = empty / "bin/python", empty / "bin/batchbot"
    run(python, "-m", "pip", "install", "--quiet", "--require-hashes", "-r", ROOT / "deploy/requirements.txt")
    run(python, "-m", "pip", "install", "--quiet", "--no-deps", *wheels.glob("*.whl"))
    version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    assert run(command, "--version", at=tmp_path).strip() == version
    assert "render-prod" in run(command, "ask", "--demo", "home", at=tmp_path)
    pictures = tmp_path / "pictures"
    assert '"blocks"' in run(
        command, "ask", "--demo", "--format", "slack", "--pictures", pictures, "node", "map", at=tmp_path
    )
    assert [each.read_bytes()[:4] for each in pictures.iterdir()] == [b"\x89PNG"]
    assert "display_information" in run(command, "manifest", "--url", "https://bot.example.com", at=tmp_path)


def source(folder: Path) -> Path:
    """What is in the repository, without what lies about in this checkout: a build leaves files beside its source."""
    copy = folder / "source"
    run("git", "clone", "--quiet", "--no-hardlinks", ROOT, copy)
    return copy


def run(*words: str | Path, at: Path = ROOT) -> str:
    """What a program says that ends well; in the environment of a user who has neither checkout nor settings."""
    kept = {
        key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "VIRTUAL_ENV", "BATCHBOT"))
    }
    done = subprocess.run(words, cwd=at, env=kept, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{words}\n{done.stdout}\n{done.stderr}"
    return done.stdout
