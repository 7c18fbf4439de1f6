"""What exit codes usually mean, on Linux and Windows.

Codes above 128 are 128 plus the signal that ended the process (POSIX shells); 125 to 127 are the shell's and the
container engine's own; Windows writes NTSTATUS values as negative numbers.
"""

from __future__ import annotations

_CODES = {
    1: "the program reported an error; its stderr says which",
    2: "the program was called wrongly, or a file is missing",
    125: "the container engine could not start the container",
    126: "the command is there but cannot be executed: permission, or a file of another system",
    127: "the command was not found: a typo, a missing package, or a PATH that lacks it",
    130: "interrupted (SIGINT)",
    134: "the program aborted (SIGABRT), an assertion most often",
    137: "killed (SIGKILL), out of memory most often: use a larger size or fewer task slots",
    -9: "killed (SIGKILL), out of memory most often: use a larger size or fewer task slots",
    139: "segmentation fault (SIGSEGV)",
    -11: "segmentation fault (SIGSEGV)",
    143: "asked to end (SIGTERM): a time limit, a preemption or somebody's stop",
    -1073741819: "access violation (0xC0000005)",
    -1073741515: "a DLL was not found (0xC0000135)",
    -1073741571: "stack overflow (0xC00000FD)",
    -1073741510: "interrupted (0xC000013A)",
}
_UNSIGNED = 1 << 32
_SIGNED_MAX = (1 << 31) - 1


def meaning(code: int) -> str:
    """The usual meaning in words, empty for a code that only the program knows."""
    return _CODES.get(code - _UNSIGNED if code > _SIGNED_MAX else code, "")
