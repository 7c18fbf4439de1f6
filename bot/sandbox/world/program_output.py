"""What programs print: renderers, encoders, solvers, models, compilers; their warnings, and their last words.

Some of them print what they should not, as programs do: signed addresses, connection strings, tokens. All of it is made
up from the key of the log; none of it opens anything.
"""

from __future__ import annotations

import base64
import random
from datetime import datetime, timedelta
from hashlib import sha256
from urllib.parse import quote

from msgspec import Struct

from bot.sandbox.world.content import LineWriter

SECRETS = 0.012
"""How many of all lines tell a secret."""


class Theme(Struct, frozen=True):
    """A kind of program: the lines it prints, the warnings it gives."""

    name: str
    lines: tuple[str, ...]
    warnings: tuple[str, ...]


RENDER = Theme(
    "render",
    (
        "{t} INFO  tile {n:05d} done in {f:.2f} s, {i} samples per pixel",
        "{t} INFO  tile {n:05d} done in {f:.2f} s, noise {g:.4f}",
        "{t} INFO  cache {p} % of 12288 MB, {i} textures resident",
        "{t} DEBUG bucket {n} ray depth {d}, {i} rays in {f:.1f} µs each",
    ),
    (
        "{t} WARN  texture /mnt/assets/tex_{d:04d}.tx has no mip levels, falling back to point sampling",
        "{t} WARN  mesh 'rock_{d:03d}' has {i} degenerate faces",
        "{t} WARN  volume step size {g:.3f} clamped to 0.250",
    ),
)
ENCODE = Theme(
    "encode",
    (
        "frame={n:6d} fps={f:5.1f} q={g:.1f} size={i:8d}kB time={t} bitrate={i}.4kbits/s speed={g:.2f}x",
        "[libx264 @ 0x{h}] frame I:{d} Avg QP:{f:.2f} size:{i}",
    ),
    (
        "[mov,mp4 @ 0x{h}] Application provided duration: {i} is invalid",
        "[swscaler @ 0x{h}] deprecated pixel format used, make sure you did set range correctly",
    ),
)
SOLVE = Theme(
    "solve",
    (
        "Time = {n}",
        "smoothSolver:  Solving for Ux, Initial residual = {g:.6f}, Final residual = 1.{d}e-07, No Iterations {d}",
        "GAMG:  Solving for p, Initial residual = {g:.6f}, Final residual = 8.{d}e-05, No Iterations {d}",
        "ExecutionTime = {i}.{d} s  ClockTime = {i} s",
    ),
    (
        "--> FOAM Warning : bounding k, min: -{g:.6f} max: {f:.4f} average: {g:.5f}",
        "[node{d}] WARNING: no preset parameters were found for the device that Open MPI detected",
    ),
)
MODEL = Theme(
    "model",
    (
        "{t} INFO pricing: path batch {n} of cell done, mean {f:.6f}, std error {g:.6f}",
        "{t} INFO pricing: {i} paths per second, {p} % of memory in use",
        "{t} DEBUG curve: node {d} discount {g:.8f}",
    ),
    (
        "{t} WARNING pricing: implied volatility clamped at {g:.3f} for strike {f:.2f}",
        "/opt/venv/lib/python3.11/site-packages/curves/fit.py:{d}: RuntimeWarning: overflow encountered in exp",
    ),
)
BUILD = Theme(
    "build",
    (
        "  unit_{n:04d}.cpp",
        "  Generating code for target, {p} % done",
        "  Copying file from C:\\batch\\obj\\unit_{d}.obj to C:\\batch\\bin",
        '{t} Task "CL" took {i} ms',
    ),
    (
        "unit_{n:04d}.cpp({d},9): warning C4244: conversion from 'double' to 'float', possible loss of data",
        "LINK : warning LNK4098: defaultlib 'LIBCMT' conflicts with use of other libs",
    ),
)
SETUP = Theme(
    "setup",
    (
        "Get:{n} http://azure.archive.ubuntu.com/ubuntu jammy/main amd64 libpkg{d} amd64 1.{d}-0ubuntu1 [{i} kB]",
        "Unpacking libpkg{d}:amd64 (1.{d}-0ubuntu1) ...",
        "Setting up libpkg{d}:amd64 (1.{d}-0ubuntu1) ...",
        "Processing triggers for libc-bin (2.35-0ubuntu3.{d}) ...",
    ),
    (
        "debconf: delaying package configuration, since apt-utils is not installed",
        "W: Target Packages (main/binary-amd64/Packages) is configured multiple times in sources.list:{d}",
    ),
)
WORK = Theme(
    "work",
    (
        "{t} step {n}: {i} items, {f:.2f} s",
        "{t} step {n}: checkpoint {h}",
        "{t} progress {n} of ?, {p} % of memory in use",
    ),
    (
        "{t} warning: item {i} is empty, skipped",
        "{t} warning: retry {d} after connection reset by peer",
    ),
)

_WORDS = (
    (("ffmpeg", "encode"), ENCODE),
    (("render", "assemble", "denoise", "comp.sh", "thumb", "matte", "bake"), RENDER),
    (("mpirun", "solve", "mesh"), SOLVE),
    (("price", "python"), MODEL),
    (("build", "cmd /c"), BUILD),
)


def theme_of(command: str) -> Theme:
    """What a command line sounds like."""
    return next((theme for words, theme in _WORDS if any(word in command for word in words)), WORK)


def line_writer(theme: Theme, *, warnings: bool = False) -> LineWriter:
    """The lines of a theme; with `warnings` nothing but those."""
    lines = theme.warnings if warnings else theme.lines * 6 + theme.warnings

    def say(rng: random.Random, at: datetime, place: int) -> str:
        if rng.random() < SECRETS:
            return secret(rng, at)
        return rng.choice(lines).format(
            t=f"{at:%H:%M:%S}.{at.microsecond // 1000:03d}",
            n=place,
            f=rng.uniform(0.2, 60.0),
            g=rng.random(),
            i=rng.randrange(16, 9000),
            d=rng.randrange(1, 900),
            p=rng.randrange(11, 98),
            h=f"{rng.getrandbits(48):012x}",
        )

    return say


def token(rng: random.Random, length: int = 32) -> str:
    """Base64 of so many bytes, as signatures and keys are."""
    return base64.b64encode(rng.randbytes(length)).decode()


def signed(rng: random.Random, path: str, at: datetime) -> str:
    """A signed address of a blob."""
    ends = quote(f"{at + timedelta(hours=4):%Y-%m-%dT%H:%M:%SZ}", safe="")
    signature = quote(token(rng), safe="")
    return f"https://renderprodfiles.blob.core.windows.net/{path}?sv=2023-11-03&sr=b&se={ends}&sp=r&sig={signature}"


def secret(rng: random.Random, at: datetime) -> str:
    """A line that should not have been printed."""
    stamp = f"{at:%H:%M:%S}.{at.microsecond // 1000:03d}"
    which = rng.randrange(5)
    if which == 0:
        return f"{stamp} DEBUG GET {signed(rng, f'inputs/part-{rng.randrange(900):03d}.bin', at)} 200"
    if which == 1:
        key = token(rng, 64)
        text = f"DefaultEndpointsProtocol=https;AccountName=renderprodfiles;AccountKey={key}"
        return f"{stamp} DEBUG storage: {text};EndpointSuffix=core.windows.net"
    if which == 2:
        parts = (b'{"alg":"RS256","typ":"JWT"}', rng.randbytes(60), rng.randbytes(64))
        bearer = ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts)
        return f"{stamp} TRACE > Authorization: Bearer {bearer}"
    if which == 3:
        return f"{stamp} INFO uploading to {signed(rng, 'frames', at).replace('sr=b', 'sr=c')}"
    return f"{stamp} DEBUG env AZ_BATCH_AUTHENTICATION_TOKEN={token(rng, 48)} LICENSE_PASSWORD={token(rng, 9)}"


def banner(key: str, command: str, node_id: str, at: datetime, inputs: list[str]) -> str:
    """The first lines of a log."""
    rng = random.Random(f"{key}/banner")
    lines = [
        f"{at:%Y-%m-%d %H:%M:%S} starting on {node_id[:18]}",
        f"+ {command}",
        f"version 4.1.{rng.randrange(40)} (build {sha256(key.encode()).hexdigest()[:10]})",
    ]
    lines += [f"fetched {signed(rng, f'inputs/{name}', at)} ✓" for name in inputs]
    return "\n".join(lines) + "\n"


def farewell(key: str, theme: Theme, exit_code: int | None, at: datetime, seconds: float) -> str:
    """The last lines of standard output."""
    if exit_code == 0:
        return f"{at:%H:%M:%S} finished in {seconds:.1f} s\n"
    return "" if exit_code in (137, 139, None) else f"{at:%H:%M:%S} failed after {seconds:.1f} s\n"


_LAST_WORDS = {
    2: "usage: {program} [-h] [--part N]\n{program}: error: argument --part: invalid int value: ''\n",
    100: "E: Could not get lock /var/lib/dpkg/lock-frontend. It is held by process {process} (unattended-upgr)\n"
    "E: Unable to acquire the dpkg frontend lock\n",
    126: "/bin/bash: line 1: {program}: Permission denied\n",
    127: "/bin/bash: line 1: {program}: command not found\n",
    137: "memory: resident {megabytes} MB, limit 16384 MB\n"
    "Out of memory: Killed process {process} ({short}) total-vm:{megabytes}000kB, anon-rss:{megabytes}000kB, "
    "file-rss:0kB, oom_score_adj:0\n/bin/bash: line 1: {process} Killed                  {program}\n",
    139: "*** Process received signal ***\nSignal: Segmentation fault (11)\nSignal code: Address not mapped (1)\n"
    "Failing at address: 0x{address}\n[ 0] /lib/x86_64-linux-gnu/libc.so.6(+0x42520)[0x7f{address}]\n"
    "/bin/bash: line 1: {process} Segmentation fault      (core dumped) {program}\n",
}
_BUILD_FAILED = "unit_{short}.cpp(41,5): error C2065: 'kLimit': undeclared identifier\nBuild FAILED.\n    1 Error(s)\n"


def last_words(key: str, theme: Theme, command: str, exit_code: int | None, at: datetime) -> str:
    """The last lines of standard error of a run that ended with the code (None: it was ended from outside)."""
    if exit_code == 0:
        return ""
    if exit_code is None:
        return f"{at:%H:%M:%S} received SIGTERM, stopping\n"
    rng = random.Random(f"{key}/end")
    words = _LAST_WORDS.get(exit_code, _BUILD_FAILED if theme is BUILD else "")
    if not words:
        return _traceback(key, rng, at)
    program = (command.partition("'")[2] or command).split(maxsplit=1)[0]
    return words.format(
        program=program,
        short=program.strip("./'")[:15],
        process=rng.randrange(2000, 30_000),
        megabytes=rng.randrange(14_000, 31_000),
        address=f"{rng.getrandbits(36):x}",
    )


def _traceback(key: str, rng: random.Random, at: datetime) -> str:
    """How a run of a script ends that fails: runs of one job fail of two things, each time with other numbers."""
    size = rng.randrange(20_000, 60_000)
    endings = (
        f"ValueError: frame {rng.randrange(2000)}: cannot convert float NaN to integer",
        f"MemoryError: Unable to allocate {size * size * 8 / 2**30:.1f} GiB for an array with shape ({size}, {size}) "
        "and data type float64",
        "azure.core.exceptions.ResourceNotFoundError: The specified blob does not exist.\n"
        f"RequestId:{rng.getrandbits(32):08x}-001e-0042-7c1d-1f9b00000000\nTime:{at:%Y-%m-%dT%H:%M:%S}.4410385Z\n"
        f"ErrorCode:BlobNotFound\nURL: {signed(rng, 'inputs/scene.usdz', at)}",
        f"OSError: [Errno 28] No space left on device: 'output/part-{rng.randrange(900):03d}.tmp'",
        f"ConnectionError: ('Connection aborted.', RemoteDisconnected('10.0.{rng.randrange(9)}.{rng.randrange(4, 250)}:"
        "8443 closed the connection without a response'))",
    )
    usual = random.Random(f"{key.rsplit('/', 2)[0]}/endings").sample(range(len(endings)), 2)
    line = rng.randrange(20, 400)
    return (
        "Traceback (most recent call last):\n"
        f'  File "/mnt/batch/tasks/shared/run.py", line {line}, in <module>\n    main()\n'
        f'  File "/mnt/batch/tasks/shared/run.py", line {line - 9}, in main\n    result = work(part, cache)\n'
        f'  File "/mnt/batch/tasks/shared/steps.py", line {line + 41}, in work\n    return convert(load(part))\n'
        f"{endings[rng.choice(usual)]}\n"
    )
