"""Building the page with npm, once for each state of its sources."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

WEB = Path(__file__).parent / "web"
_PINS = ("package.json", "package-lock.json")
_INSTALL_SECONDS = 300.0
_BUNDLE_SECONDS = 60.0
_LAST_WORDS = 600


class BuildError(Exception):
    """The page cannot be built here; the message says why, for a person to read."""


async def build(web: Path = WEB, cache: Path | None = None) -> Path:
    """The folder with the built page. Raises BuildError.

    Everything lands in the user's cache, never among the sources: an installation may be read-only, and packages of npm
    have no business in a Python package. What is there is used again until a source changes; both steps work in a
    folder that gets its name when it is whole, so that two demos may start at the same time.
    """
    cache = cache or _cache()
    pins = [web / name for name in _PINS]
    sources = sorted(path for path in (web / "src").rglob("*") if path.is_file())
    modules = cache / f"modules-{_digest(web, pins)}"
    built = cache / f"page-{_digest(web, pins + sources)}"
    if not (built / "index.html").is_file():
        npm, node = shutil.which("npm"), shutil.which("node")
        if npm is None or node is None:
            raise BuildError("npm is not installed on this machine")
        try:
            cache.mkdir(parents=True, exist_ok=True)
            if not modules.is_dir():
                _tell("installs its npm packages, once")
                await _install(npm, pins, modules)
            _tell("is being built")
            await _bundle(node, web / "src", modules / "node_modules", built)
        except OSError as error:
            raise BuildError(f"the cache {cache} cannot be used: {error}") from error
        _tell("is built")
    return built


async def _install(npm: str, pins: list[Path], modules: Path) -> None:
    with _whole(modules) as folder:
        for pin in pins:
            shutil.copy(pin, folder)
        # Scripts of packages are not run; esbuild's binary comes as a package of its own.
        await _run([npm, "ci", "--ignore-scripts", "--omit=dev", "--no-audit", "--no-fund"], folder, _INSTALL_SECONDS)


async def _bundle(node: str, source: Path, modules: Path, built: Path) -> None:
    esbuild = modules / "esbuild" / "bin" / "esbuild"
    with _whole(built) as folder:
        shutil.copy(source / "index.html", folder)
        await _run(
            [
                node,
                str(esbuild),
                str(source / "main.tsx"),
                "--bundle",
                "--minify",
                "--target=es2022",
                "--jsx=automatic",
                "--loader:.woff2=file",
                "--asset-names=fonts/[name]",
                "--log-level=warning",
                f"--outfile={folder / 'page.js'}",
            ],
            source.parent,
            _BUNDLE_SECONDS,
            NODE_PATH=str(modules),
        )


async def _run(command: list[str], folder: Path, seconds: float, **environment: str) -> None:
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=folder,
        env={**os.environ, **environment},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        async with asyncio.timeout(seconds):
            output, _ = await process.communicate()
    except TimeoutError:
        raise BuildError(f"{Path(command[0]).name} took longer than {seconds:.0f} s") from None
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    if process.returncode:
        words = output.decode(errors="replace").strip()[-_LAST_WORDS:]
        raise BuildError(f"{Path(command[0]).name} failed with code {process.returncode}: {words}")


@contextlib.contextmanager
def _whole(target: Path) -> Iterator[Path]:
    """A folder beside ``target`` that becomes ``target`` when the block ends well, and vanishes when it does not."""
    folder = Path(tempfile.mkdtemp(prefix=f"{target.name}.", dir=target.parent))
    try:
        yield folder
        try:
            folder.rename(target)
        except OSError:
            if not target.is_dir():  # otherwise somebody else was faster, with the same content
                raise
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _digest(web: Path, files: list[Path]) -> str:
    """A name for a state of the sources: paths and contents."""
    total = hashlib.sha256()
    for file in files:
        total.update(f"{file.relative_to(web).as_posix()}\0{file.stat().st_size}\0".encode())
        total.update(file.read_bytes())
    return total.hexdigest()[:16]


def _cache() -> Path:
    if base := os.environ.get("XDG_CACHE_HOME") or (os.name == "nt" and os.environ.get("LOCALAPPDATA")):
        return Path(base) / "batchbot"
    return Path.home() / ".cache" / "batchbot"


def _tell(words: str) -> None:
    sys.stderr.write(f"the page {words}\n")
    sys.stderr.flush()
