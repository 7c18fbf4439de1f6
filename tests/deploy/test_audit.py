"""A known vulnerability fails the build unless it is accepted for a while; advisories that are away do not."""

from __future__ import annotations

import asyncio
import json
import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from aiohttp import web
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from tests.deploy.test_files import pinned

ROOT = Path(__file__).parents[2]
HASH = "0" * 64
ADVISORY = {
    "id": "GHSA-aaaa-bbbb-cccc",
    "aliases": ["CVE-2026-0001"],
    "modified": "2026-11-01T00:00:00Z",
    "published": "2026-11-01T00:00:00Z",
    "summary": "It breaks.",
    "affected": [
        {
            "package": {"ecosystem": "PyPI", "name": "badlib"},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "1.0.1"}]}],
            "versions": ["1.0.0"],
        }
    ],
}


async def test_what_is_known_fails_and_what_is_accepted_passes_until_its_day(tmp_path: Path) -> None:
    async with advisories() as url:
        code, said = await audited(tmp_path, url)
        assert code == 1
        assert re.search(r"badlib 1\.0\.0: .*GHSA-aaaa-bbbb-cccc.*: mended in 1\.0\.1", said)
        assert "CVE-2026-0001" in said
        assert "1 known vulnerabilities, 0 of them accepted" in said
        for id_ in ("CVE-2026-0001", "GHSA-aaaa-bbbb-cccc"):
            code, said = await audited(tmp_path, url, accept(id_, days=30))
            assert (code, "1 of them accepted" in said) == (0, True), said
        code, said = await audited(tmp_path, url, accept("CVE-2026-0001", days=-1))
        assert code == 1
        assert "was accepted until" in said
        code, said = await audited(tmp_path, url, accept("CVE-2026-0001", days=200))
        assert code == 1
        assert "more than 90 days ahead" in said
        code, said = await audited(tmp_path, url, '[[accepted]]\nid = "CVE-2026-0001"\n')
        assert code == 1
        assert "write why, and until" in said


async def test_where_nobody_can_be_asked_that_is_said_and_it_goes_on(tmp_path: Path) -> None:
    code, said = await audited(tmp_path, "http://127.0.0.1:9/v1/query")
    assert code == 0
    assert "NOT AUDITED: the advisories of osv.dev cannot be reached from here" in said


@pytest.mark.slow
async def test_every_library_of_the_image_is_listed(tmp_path: Path) -> None:
    listed = tmp_path / "batchbot.cdx.json"
    image = ROOT / "deploy" / "requirements.txt"
    await audited(tmp_path, "http://127.0.0.1:9", sbom=listed, requirements=image)
    bill = json.loads(listed.read_text(encoding="utf-8"))
    assert bill["bomFormat"] == "CycloneDX"
    assert bill["metadata"]["component"]["name"] == "batchbot"
    known = {each["name"].lower().replace("_", "-"): each for each in bill["components"]}
    assert set(known) == set(pinned(image))
    assert all(each["purl"].startswith("pkg:pypi/") for each in known.values())
    for each in known.values():
        assert each["externalReferences"], "where it comes from, with its hashes"
        del each["externalReferences"][1:]
    wrong = JsonStrictValidator(SchemaVersion.V1_6).validate_str(json.dumps(bill))
    assert wrong is None, wrong


def accept(id_: str, *, days: int) -> str:
    until = datetime.now(UTC).date() + timedelta(days=days)
    return f'[[accepted]]\nid = "{id_}"\nwhy = "It is not used."\nuntil = {until}\n'


async def audited(
    folder: Path, url: str, accepted: str = "", *, sbom: Path | None = None, requirements: Path | None = None
) -> tuple[int, str]:
    """What the audit of two libraries ends with, and what it says."""
    libraries, file = requirements or folder / "libraries.txt", folder / "accepted.toml"
    if requirements is None:
        libraries.write_text("".join(f"{name}==1.0.0 --hash=sha256:{HASH}\n" for name in ("badlib", "goodlib")))
    file.write_text(accepted)
    words = [str(ROOT / ".ci" / "audit.py"), "--requirements", str(libraries), "--accepted", str(file)]
    words += ["--osv-url", url, *(["--sbom", str(sbom)] if sbom else [])]
    process = await asyncio.create_subprocess_exec(
        sys.executable, *words, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    said, _ = await process.communicate()
    return process.returncode or 0, said.decode()


@asynccontextmanager
async def advisories() -> AsyncIterator[str]:
    """An OSV that knows of one vulnerability."""

    async def query(request: web.Request) -> web.Response:
        asked = await request.json()
        bad = asked["package"]["name"] == "badlib"
        return web.json_response({"vulns": [ADVISORY]} if bad else {})

    app = web.Application()
    app.router.add_post("/v1/query", query)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/v1/query"
    finally:
        await runner.cleanup()
