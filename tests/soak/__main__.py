"""The program is killed with -9 at random points while trouble goes on: ``make soak``, ``KILLS=1000 make soak``.

    python -m tests.soak [--kills 50] [--speed 20] [--seed 1] [--load carried|piled] [--operations] [--pictures]
    python -m tests.soak --replicas 3 [--lease 3] [--kills 50] …
    python -m tests.soak --look FOLDER

It asks what was told: every transition that the channels subscribed to is on a message of Slack and of Teams within its
time, in the right words, once. What happened is known from the sandbox's world itself. It prints what was found, and
exits 1 where something was lost, late, wrong or there twice; then the folder with database, log and all that was seen
is kept, and ``--look`` shows it again. With ``--operations`` somebody resizes a pool all the while, and each of these
has to come to an end, and to Azure once. ``--pictures`` has each start draw its first picture, as an installed program
does, which takes a start seconds. With ``--replicas`` there are so many copies of it on one PostgreSQL behind a
PgBouncer, each kill is that of one of them, and what somebody does goes to each in turn; ``--lease`` is for how many
seconds of the wall one of them has the duties.
"""

from __future__ import annotations

import argparse
import asyncio
import shutil
import sys
import tempfile
from pathlib import Path

from tests.soak.account import LOADS
from tests.soak.evidence import look, shown
from tests.soak.run import Options, soak


def main() -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--speed", type=float, default=20.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--load", choices=LOADS, default=LOADS[0])
    parser.add_argument("--operations", action="store_true")
    parser.add_argument("--pictures", action="store_true")
    parser.add_argument("--replicas", type=int, default=0)
    parser.add_argument("--lease", type=float, default=3.0)
    parser.add_argument("--look", type=Path, metavar="FOLDER", help="show what a run that was kept has found")
    parser.add_argument("--name", default="", help="with --look: only what names this, and all that was told of it")
    given = vars(parser.parse_args())
    folder, name = given.pop("look"), given.pop("name")
    if folder:
        print(look(folder, name))
        return 0
    options = Options(**given)
    folder = Path(tempfile.mkdtemp(prefix=f"soak-{options.load}-{options.seed}-"))
    sound = False
    try:
        outcome = asyncio.run(soak(folder, options))
        sound = outcome.sound
        print(shown(outcome))
    finally:  # one that broke off is as red as any
        if sound:
            shutil.rmtree(folder)
        else:
            print(f"kept: {folder}: batchbot.db, program.log, batchbot.toml, seen.json")
            print(f"look: {sys.executable} -m tests.soak --look {folder} --name WHAT")
            print(f"again: {sys.executable} -m tests.soak {options}")
    return 0 if sound else 1


if __name__ == "__main__":
    sys.exit(main())
