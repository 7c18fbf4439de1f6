"""Every measurement, one after another: ``make bench``. Each prints its goal beside its figure."""

from __future__ import annotations

import subprocess
import sys

PARTS = (
    ["bench.decode"],
    ["bench.ack"],
    ["bench.teams_library"],
    ["bench.unsigned"],
    ["bench.load"],
    ["bench.lists"],
    ["bench.chart"],
    ["bench.memory"],
    ["bench.store"],
    ["bench.databases"],
    ["bench.transitions"],
    ["bench.watch"],
    ["bench.scale"],
    ["bench.replicas"],
    ["bench.replicas", "--accounts", "50", "--replicas", "2", "3"],
    ["bench.black_box"],
    ["bench.alerts"],
    ["bench.alerting_scale"],
    ["bench.names"],
    ["bench.guard"],
    ["bench.redaction"],
    ["bench.clusters"],
    ["bench.why"],
    ["bench.operate"],
    ["bench.task_add"],
    ["bench.forecast"],
)


def main() -> int:
    """Run each in a process of its own, so that none warms or burdens another; the worst exit code is returned."""
    worst = 0
    for module, *arguments in PARTS:
        print(f"\n== {module}", flush=True)
        worst = max(worst, subprocess.run([sys.executable, "-m", module, *arguments], check=False).returncode)
    return worst


if __name__ == "__main__":
    sys.exit(main())
