"""The line of what a program printed that tells most."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.causes import normalised
from bot.monitor import error_line
from bot.monitor.error_line import LONGEST, key_line

PYTHON = """\
Traceback (most recent call last):
  File "/mnt/run.py", line 20, in <module>
    main()
    ~~~~^^
  File "/mnt/run.py", line 11, in main
    raise ValueError("no such frame")
ValueError: no such frame
"""
PYTHON_CUT = """\
    return convert(load(part))
  File "/x/steps.py", line 3, in work
azure.core.exceptions.ResourceNotFoundError: The specified blob does not exist.
RequestId:5f0e-001e
Time:2026-11-18T12:00:00.4410385Z
ErrorCode:BlobNotFound
"""
PYTHON_CHAIN = """\
Traceback (most recent call last):
  File "a.py", line 1, in <module>
KeyError: 'a'

The above exception was the direct cause of the following exception:

Traceback (most recent call last):
  File "a.py", line 3, in <module>
render.NoFrame
"""
PYTHON_GROUP = """\
  + Exception Group Traceback (most recent call last):
  |   File "x.py", line 3, in <module>
  |     raise ExceptionGroup("all", errors)
  | ExceptionGroup: all (1 sub-exception)
  +-+---------------- 1 ----------------
    | Traceback (most recent call last):
    |   File "x.py", line 9, in f
    |     boom()
    | ConnectionError: lost
    +------------------------------------
"""
JAVA = """\
Exception in thread "main" java.lang.RuntimeException: job failed
	at com.example.Main.main(Main.java:5)
Caused by: java.io.FileNotFoundException: /mnt/in.dat (No such file or directory)
	at java.base/java.io.FileInputStream.open0(Native Method)
	... 12 more
"""
NODE = """\
/app/index.js:12
    throw new Error('no such frame');
    ^

Error: no such frame
    at Object.<anonymous> (/app/index.js:12:9)
    at Module._compile (node:internal/modules/cjs/loader:1105:14)

Node.js v18.17.0
"""
NODE_REQUIRE = """\
Error: Cannot find module 'frames'
Require stack:
- /app/index.js
    at Module._resolveFilename (node:internal/modules/cjs/loader:933:15) {
  code: 'MODULE_NOT_FOUND',
}
"""
DOTNET = """\
Unhandled exception. System.IO.FileNotFoundException: Could not find file 'C:\\in.dat'.
   at System.IO.FileStream..ctor(String path)
   at Program.Main()
"""
GO = """\
panic: runtime error: index out of range [5] with length 3

goroutine 1 [running]:
main.main()
	/app/main.go:8 +0x1d
exit status 2
"""
RUST = """\
thread 'main' panicked at src/main.rs:4:5:
index out of bounds: the len is 3 but the index is 99
note: run with `RUST_BACKTRACE=1` environment variable to display a backtrace
"""
CPP = """\
terminate called after throwing an instance of 'std::runtime_error'
  what():  cannot open scene
Aborted (core dumped)
/bin/bash: line 1: 4242 Aborted                 (core dumped) ./render
"""
KERNEL = """\
memory: resident 15000 MB, limit 16384 MB
Out of memory: Killed process 4242 (render) total-vm:15000000kB
/bin/bash: line 1: 4242 Killed                  ./render
"""
MPI = """\
*** Process received signal ***
Signal: Segmentation fault (11)
Signal code: Address not mapped (1)
Failing at address: 0x123
[ 0] /lib/x86_64-linux-gnu/libc.so.6(+0x42520)[0x7f00]
/bin/bash: line 1: 99 Segmentation fault      (core dumped) ./solve
"""
POWERSHELL = """\
Get-Item : Cannot find path 'C:\\in' because it does not exist.
At C:\\run.ps1:3 char:1
+ Get-Item C:\\in
+ ~~~~~~~~~~~~~
    + CategoryInfo          : ObjectNotFound: (C:\\in:String) [Get-Item], ItemNotFoundException
    + FullyQualifiedErrorId : PathNotFound,Microsoft.PowerShell.Commands.GetItemCommand
"""
CMD = """\
'render' is not recognized as an internal or external command,
operable program or batch file.
"""
MSBUILD = """\
unit_12.cpp(41,5): error C2065: 'kLimit': undeclared identifier
Build FAILED.
    1 Error(s)
"""
MAKE = """\
gcc -c x.c
x.c:3:5: error: unknown type name 'foo'
make: *** [Makefile:12: all] Error 1
"""
APT = """\
E: Could not get lock /var/lib/dpkg/lock-frontend. It is held by process 12 (unattended-upgr)
E: Unable to acquire the dpkg frontend lock
"""
RUBY = """\
s.rb:3:in `foo': undefined method `bar' for nil:NilClass (NoMethodError)
	from s.rb:7:in `<main>'
"""
LEVELS = """\
12:00:01.123 INFO  done, 0 errors
12:00:02.003 ERROR pricing: curve missing
12:00:02.100 INFO  stopping after error
"""
RETRIES = """\
2026-11-18 12:00:00,123 WARNING retrying after ConnectionError: lost
2026-11-18 12:00:09,001 CRITICAL giving up
"""
LOADER = """\
ERROR: ld.so: object 'x.so' from LD_PRELOAD cannot be preloaded: ignored.
solve: symbol lookup error: solve: undefined symbol: foo
"""
SRUN = """\
torch.cuda.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB
srun: error: node1: task 0: Exited with exit code 1
"""
TAR = """\
tar: in.tar: Cannot open: No such file or directory
tar: Error is not recoverable: exiting now
"""


@pytest.mark.parametrize(
    ("printed", "line"),
    [
        (PYTHON, "ValueError: no such frame"),
        (PYTHON_CUT, "azure.core.exceptions.ResourceNotFoundError: The specified blob does not exist."),
        (PYTHON_CHAIN, "render.NoFrame"),
        (PYTHON_GROUP, "ConnectionError: lost"),
        (PYTHON.replace("\n", "\r\n"), "ValueError: no such frame"),
        (JAVA, "java.io.FileNotFoundException: /mnt/in.dat (No such file or directory)"),
        (NODE, "Error: no such frame"),
        (NODE_REQUIRE, "Error: Cannot find module 'frames'"),
        (DOTNET, "Unhandled exception. System.IO.FileNotFoundException: Could not find file 'C:\\in.dat'."),
        (GO, "panic: runtime error: index out of range [5] with length 3"),
        (RUST, "index out of bounds: the len is 3 but the index is 99"),
        (CPP, "what(): cannot open scene"),
        (KERNEL, "Out of memory: Killed process 4242 (render) total-vm:15000000kB"),
        (MPI, "Signal: Segmentation fault (11)"),
        ("./run.sh: line 12: 4242 Killed      ./render\n", "./run.sh: line 12: 4242 Killed ./render"),
        ("/bin/bash: line 1: render: command not found\n", "/bin/bash: line 1: render: command not found"),
        (
            "reading\n/bin/bash: line 1: ./x.sh: Permission denied\nbye\n",
            "/bin/bash: line 1: ./x.sh: Permission denied",
        ),
        ("cp: error writing 'a.exr': No space left on device\n", "cp: error writing 'a.exr': No space left on device"),
        (POWERSHELL, "Get-Item : Cannot find path 'C:\\in' because it does not exist."),
        (CMD, "'render' is not recognized as an internal or external command,"),
        (MSBUILD, "unit_12.cpp(41,5): error C2065: 'kLimit': undeclared identifier"),
        ("The system cannot find the path specified.\n", "The system cannot find the path specified."),
        ("There is not enough space on the disk.\n   0 file(s) copied.", "There is not enough space on the disk."),
        (MAKE, "x.c:3:5: error: unknown type name 'foo'"),
        (APT, "E: Unable to acquire the dpkg frontend lock"),
        (RUBY, "s.rb:3:in `foo': undefined method `bar' for nil:NilClass (NoMethodError)"),
        ("usage: part [-h]\npart: error: invalid int value: ''\n", "part: error: invalid int value: ''"),
        (LEVELS, "ERROR pricing: curve missing"),
        (RETRIES, "CRITICAL giving up"),
        (LOADER, "solve: symbol lookup error: solve: undefined symbol: foo"),
        (SRUN, "torch.cuda.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB"),
        (TAR, "tar: in.tar: Cannot open: No such file or directory"),
        ("a.mp4: Invalid data found when processing input\n", "a.mp4: Invalid data found when processing input"),
        ("12:00:01 reading\n12:00:02 all is well\n\n  \n", "all is well"),
        ("make: *** [Makefile:12: all] Error 1\n", "make: *** [Makefile:12: all] Error 1"),
        ("\n \n", ""),
        ("", ""),
    ],
)
def test_the_line_that_tells_most(printed: str, line: str) -> None:
    assert key_line(printed.split("\n")) == line


def test_a_long_line_is_cut() -> None:
    assert len(key_line(["Error: " + "x" * 900])) == LONGEST


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (PYTHON.replace("frame", "frame 12"), PYTHON.replace("frame", "frame 7").replace("line 20", "line 3")),
        (KERNEL, KERNEL.replace("4242", "99").replace("15000", "31337")),
        (JAVA, JAVA.replace("/mnt/in.dat", "/mnt/batch/tasks/workitems/j/t/wd/in.dat")),
        (LEVELS, LEVELS.replace("12:00", "17:31")),
    ],
)
def test_the_same_trouble_is_the_same_line_without_what_varies(one: str, other: str) -> None:
    assert one != other
    assert normalised(key_line(one.split("\n"))) == normalised(key_line(other.split("\n")))


PIECES = st.sampled_from(
    [
        *PYTHON.split("\n"),
        *PYTHON_GROUP.split("\n"),
        *JAVA.split("\n"),
        *NODE.split("\n"),
        *RUST.split("\n"),
        *MPI.split("\n"),
    ]
)


@given(st.lists(st.text(max_size=300) | PIECES, max_size=40))
def test_whatever_is_printed_gives_one_short_line(lines: list[str]) -> None:
    line = key_line(lines)
    assert len(line) <= LONGEST
    assert "\n" not in line
    assert key_line(lines) == line
    assert bool(line) <= any(each.strip() for each in lines)


@pytest.mark.parametrize(
    "piece", ["a" * 400, " " * 400, "|" * 400, "Error:" * 66, "line 1:  2 " * 40, "- + | " * 60, "./" * 200]
)
def test_nothing_takes_forever(piece: str) -> None:
    assert key_line([piece] * 400) in ("", key_line([piece]))


@given(st.text(alphabet=st.characters(max_codepoint=126), max_size=200) | PIECES)
def test_the_quick_look_for_words_passes_over_nothing(line: str) -> None:
    if not any(word in line.lower() for word in error_line._WORDS):
        assert error_line._weight_of_form(line) == 0


SAID = [
    "oom-kill", "quota exceeded", "bus error", "stack smashing", "heap corruption", "what(): x", "panic: x",
    "KeyboardInterrupt: x", "KeyError", "ProcessFault: x", "Uncaught x", "x is not recognized as",
    "terminate called", "undefined symbol", "E: x", "can't locate", "SEVERE x", "CRITICAL", "assertion x failed",
    "SIGSEGV", "Killed", "Aborted", "timed out", "timeout", "time out", "unauthorised", "forbidden", "expired",
    "couldn't", "unable", "invalid", "missing", "refused", "unknown", "illegal", "unexpected", "does not exist",
    "not permitted", "disk full", "no disk space", "insufficient space", "cannot allocate memory", "std::bad_alloc",
    "access violation", "floating point exception", "Unhandled Exception", "connection reset", "fatal", "denied",
    "failure", "no such file", "could not open", "(a::BError)", "out of memory",
]  # fmt: skip


@pytest.mark.parametrize("said", SAID)
def test_every_form_has_one_of_the_words(said: str) -> None:
    assert any(word in said.lower() for word in error_line._WORDS)
    assert key_line(["all is well", f"{said} and", "all is well"]) == f"{said} and" or said.endswith(")")
