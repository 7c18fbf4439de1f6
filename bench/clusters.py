"""How long it takes to group failures by what they printed: 10,000 tails of logs, 20 lines each, of 16 causes.

Goal: 2 s of the processor for all of them: picking the line that says most, masking it, grouping. A line of 100 kB
stalls nothing.
"""

from __future__ import annotations

import random
import time
from datetime import UTC, datetime, timedelta

from bot.domain.clusters.grouping import clusters
from bot.domain.clusters.model import Failed, Said
from bot.domain.mask import masked
from bot.monitor.error_line import key_line

TAILS, GOAL, LONG = 10_000, 2.0, 0.05
_NOISE = (
    "2026-11-28 13:{a:02}:{b:02} INFO frame {c} of 900 done",
    "worker {a}: loaded {c} meshes in {b} ms",
    "step {a} of {b} took {c} ms",
    "{a:02}:{b:02}:07.{c:04} DEBUG cache {b} % of 12288 MB",
)
_ENDS = (
    "MemoryError: Unable to allocate {a}.{b} GiB for an array with shape ({c}, {c})",
    "ModuleNotFoundError: No module named 'torch2trt'",
    "OSError: [Errno 28] No space left on device: '/mnt/out/{c}.exr'",
    "FileNotFoundError: [Errno 2] No such file or directory: '/mnt/in/scene-{c}.abc'",
    "java.lang.OutOfMemoryError: Java heap space\n\tat a.D.e(D.java:{b})",
    "torch.cuda.OutOfMemoryError: CUDA out of memory. Tried to allocate {a}.{b} GiB",
    "./run.sh: line 12: {c} Segmentation fault      (core dumped) ./solver --part {b}",
    "bash: line {a}: ffmpeg5: command not found",
    "solver: error while loading shared libraries: libcudart.so.11.0: cannot open shared object file: No such file",
    "ERROR 404 blob not found: https://in.blob.core.windows.net/scenes/{c}.abc",
    "ERROR 403 blob access denied: https://in.blob.core.windows.net/scenes/{c}.abc",
    "Error: dial tcp 10.0.{a}.{b}:5432: connect: connection refused",
    "License error: no licence for maya_batch_2024 left ({a} of {b} in use)",
    "docker: Error response from daemon: pull access denied for farm/render",
    "solver: mesh.cpp:{c}: void check(int): Assertion `n < size' failed.",
    "thread 'main' panicked at src/main.rs:{a}:5:\nindex out of bounds: the len is {b} but the index is {c}",
)


def _tails(rng: random.Random) -> list[list[str]]:
    def numbers() -> dict[str, int]:
        return {"a": rng.randrange(60), "b": rng.randrange(60), "c": rng.randrange(9000)}

    return [
        [
            *(rng.choice(_NOISE).format(**numbers()) for _ in range(18)),
            *rng.choice(_ENDS).format(**numbers()).split("\n"),
        ]
        for _ in range(TAILS)
    ]


def main() -> int:
    """1 where a goal is missed."""
    at = datetime(2026, 11, 28, tzinfo=UTC)
    tasks = [
        Failed(job="j", task=f"t{number}", ended=at + timedelta(seconds=number), code="FailureExitCode", exit_code=1)
        for number in range(TAILS)
    ]
    tails = _tails(random.Random(7))
    begin = time.process_time()
    lines = [key_line(tail) for tail in tails]
    picked = time.process_time()
    found = clusters(tasks, {task.key: Said(line) for task, line in zip(tasks, lines, strict=True)})
    took = time.process_time() - begin
    print(f"{TAILS:,} tails: {took:.2f} s (goal {GOAL:.0f} s), of it {picked - begin:.2f} s to pick the line; "
          f"{len(found)} clusters of {len(_ENDS)} causes")  # fmt: skip
    long = "Error: " + "x1/" * 33_000
    begin = time.process_time()
    masked(key_line([long]))
    masked(long)
    stalled = time.process_time() - begin
    print(f"a line of {len(long):,} characters: {stalled * 1000:.1f} ms (goal {LONG * 1000:.0f} ms)")
    return int(took > GOAL or stalled > LONG or len(found) != len(_ENDS))


if __name__ == "__main__":
    raise SystemExit(main())
