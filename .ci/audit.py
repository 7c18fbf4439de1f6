"""Whether a library that is pinned has a known vulnerability, and the list of all libraries of the image (CycloneDX).

Advisories are those of osv.dev, asked by pip-audit. Where that cannot be reached this says so and ends with 0: a change
is not to wait for somebody else's outage. A known vulnerability ends it with 1, unless `.ci/accepted.toml` accepts it,
with a reason and until a day.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
TOOLS = Path(sys.executable).parent
UNREACHABLE = re.compile(
    r"ConnectionError|ConnectTimeout|ReadTimeout|NameResolution|ServiceError|Max retries|HTTPError|ProxyError|SSLError"
)
LONGEST = 90
"""Days for which a vulnerability may be accepted in one go."""


class NotReachableError(Exception):
    """Nobody could be asked."""


def main() -> int:
    """Audit, write the list, and say what was found; the exit code."""
    options = _options()
    accepted, wrong = _accepted(options.accepted, datetime.now(UTC).date())
    for line in wrong:
        print(f"audit: {line}")
    bad = bool(wrong)
    for pinned in options.requirements:
        try:
            found = [*_vulnerable(_audited(pinned, options.osv_url))]
        except NotReachableError:
            print(f"audit: {pinned.name}: NOT AUDITED: the advisories of osv.dev cannot be reached from here")
            continue
        open_ = [each for each in found if not accepted.keys() & {each["id"], *each["aliases"]}]
        for each in open_:
            mended = ", ".join(each["fix_versions"]) or "no version yet"
            named = " ".join([each["id"], *each["aliases"]])
            print(f"audit: {pinned.name}: {each['library']}: {named}: mended in {mended}")
        print(f"audit: {pinned.name}: {len(found)} known vulnerabilities, {len(found) - len(open_)} of them accepted")
        bad = bad or bool(open_)
    if options.sbom:
        _listed(options.requirements[-1], options.sbom)
        print(f"audit: the libraries of {options.requirements[-1].name} are listed in {options.sbom}")
    return int(bad)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    usual = [ROOT / "constraints.txt", ROOT / "deploy" / "requirements.txt"]
    parser.add_argument("--requirements", type=Path, nargs="+", default=usual, help="pinned libraries")
    parser.add_argument("--accepted", type=Path, default=ROOT / ".ci" / "accepted.toml", help="what is accepted")
    parser.add_argument("--sbom", type=Path, help="where the list of the last file's libraries is written")
    parser.add_argument("--osv-url", default="", help="another address than osv.dev's")
    return parser.parse_args()


def _accepted(file: Path, today: date) -> tuple[dict[str, str], list[str]]:
    """What is accepted today with its reason, and what is wrong with the file."""
    accepted, wrong = {}, []
    for each in tomllib.loads(file.read_text(encoding="utf-8")).get("accepted", []):
        id_, why, until = each.get("id", "?"), each.get("why", ""), each.get("until")
        if not why or not isinstance(until, date):
            wrong.append(f"{file.name}: {id_}: write why, and until = YYYY-MM-DD")
        elif until < today:
            wrong.append(f"{file.name}: {id_}: was accepted until {until}: renew the library, or decide anew")
        elif (until - today).days > LONGEST:
            wrong.append(f"{file.name}: {id_}: {until} is more than {LONGEST} days ahead")
        else:
            accepted[id_] = why
    return accepted, wrong


def _audited(pinned: Path, osv_url: str) -> dict[str, Any]:
    """What pip-audit answers. Raises NotReachableError, and RuntimeError where it fails otherwise."""
    with tempfile.TemporaryDirectory() as cache:
        words = [
            *(str(TOOLS / "pip-audit"), "-s", "osv", "--disable-pip", "--require-hashes", "-r", str(pinned)),
            *("--timeout", "20", "--progress-spinner", "off", "-f", "json"),
            *("--cache-dir", cache),
            *(("--osv-url", osv_url) if osv_url else ()),
        ]
        done = subprocess.run(words, capture_output=True, text=True, check=False)  # noqa: S603 - all of it is ours
    try:
        answer: dict[str, Any] = json.loads(done.stdout)
    except json.JSONDecodeError:
        if UNREACHABLE.search(done.stderr):
            raise NotReachableError from None
        raise RuntimeError(f"pip-audit failed:\n{done.stderr[-2000:]}") from None
    return answer


def _vulnerable(answer: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for library in answer["dependencies"]:
        for each in library.get("vulns", ()):
            yield {**each, "library": f"{library['name']} {library['version']}"}


def _listed(pinned: Path, into: Path) -> None:
    """Write the list. Its schema is checked by a test, on less of it: with all hashes that takes minutes."""
    into.parent.mkdir(parents=True, exist_ok=True)
    words = ["requirements", str(pinned), "--pyproject", str(ROOT / "pyproject.toml"), "--sv", "1.6", "--of", "JSON"]
    words += ["--no-validate", "--output-reproducible", "-o", str(into)]
    subprocess.run([str(TOOLS / "cyclonedx-py"), *words], check=True, capture_output=True)  # noqa: S603 - all is ours


if __name__ == "__main__":
    sys.exit(main())
