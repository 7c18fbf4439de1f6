"""Redaction: how fast ordinary logs pass, and that no text, however hostile, costs more than its length.

    python -m bench.redaction [--kilobytes 64]

Prints megabytes a second for ordinary logs, and for each hostile text what the time of twice its length is to that of
it: two where the time grows with the length, four where it grows with its square. What seems to miss is measured anew
over longer ones, since a busy machine gives 2.5 too. The goals: two megabytes a second where little is found, and no
ratio above 2.5.
"""

from __future__ import annotations

import argparse
import random
import sys
import time

from bot.content.redaction import redact

GOAL_RATIO = 2.5
GOAL_SPEED = 2.0
LINES = (
    "Fra:{0} Mem:812.33M (Peak 1203.11M) | Time:00:12.31 | Remaining:01:02.33 | Scene, ViewLayer | Sample {1}/512",
    "2026-11-23T06:12:00.0000000Z INFO worker {0}: frame {1} of 5000 done",
    "frame={0:5d} fps= 24 q=28.0 size=  {1}kB time=00:00:04.00 bitrate=2048.0kbits/s speed=2.1x",
    "[rank{0}] NCCL INFO Channel 02/{1} : 0[1] -> 1[1] via P2P/IPC",
    '  File "/mnt/batch/tasks/workitems/nightly/job-{0}/frame-{1}/wd/render.py", line 12, in main',
    "epoch {0} step {1} loss 0.4312 lr 1e-4 tokens/s 12345",
    "wrote /mnt/batch/tasks/shared/output/shot_{0}/beauty_{1}.exr pass 3 of 5",
)
HOSTILE: tuple[str | tuple[str, str], ...] = (
    ("bearer ", "1"),
    ("token is ", " "),
    ("password for a", " "),
    ("auth=", " "),
    ("net use ", " "),
    ("set password for a=", " "),
    "-sqlplus ",
    "bearer+",
    "password\n",
    "--password\n",
    "| DB_PASSWORD | ",
    "DB_PASSWORD  ",
    "A_B  a",
    "<password>\n",
    "kind: Secret\ndata:\n",
    "kind: Secret\ndata:\n  a: b\n",
    "data:\n",
    ' {"data": {',
    "https://h/t/",
    "/t/a",
    "mot de passe ",
    "пароль ",
    "password for ",
    "sec-websocket-protocol: a, ",
    "bearer.authorization.",
    "with key ",
    "runas /user:a ",
    "/p:",
    "snmpget -c a ",
    'password="""',
    "a a a a\n",
    "account-key=\\",
    "password=",
    'password="',
    "password='",
    "password: ",
    '"password": "',
    '\\"password\\":\\"',
    'password=\\\\"',
    "key ",
    "token is ",
    "the password for a of ",
    "secret secret ",
    "://a:",
    "://",
    "://:@",
    "?sig=",
    "&sig=a",
    "sig=%",
    "?a&",
    "&key=a",
    "curl -u a ",
    "curl -u ",
    "mysql -p",
    "docker -p ",
    "echo a | ",
    "echo 'a",
    "az -p \\\n",
    "openssl -pass pass:",
    "-----BEGIN PRIVATE KEY-----",
    "-----BEGIN PRIVATE KEY-----\n",
    "-----END PRIVATE KEY-----",
    "-----END PRIVATE KEY-----\n",
    "BEGIN PRIVATE KEY",
    "A",
    "a1",
    "aA1+/",
    "A" * 64 + "\n",
    "eyJ",
    "eyJaaaaaaaa.aaaa.",
    "eyJaaaaaaaaa",
    "a" * 30 + ".",
    "x." * 3,
    "$6$",
    "$1$a:",
    "\0",
    "p\0",
    "\u200b",
    "\x1b[",
    "\x1b[0",
    "\uff1a",
    '"',
    "'",
    "\\",
    '\\\\"',
    '{"name": "password", "value": "',
    '"name": "password"',
    '"value": ',
    "name=password ",
    "- name: key\n  value: ",
    "<password>",
    "<password>a",
    "<a b='",
    "<key",
    "password: |\n",
    "password: |\n ",
    "password:\n ",
    "cookie: a=",
    "cookie: a=b;",
    "set-cookie: ",
    "authorization: ",
    "authorization: basic ",
    "basic ",
    "bearer ",
    "bearer a1.",
    "a:5432:a:a:",
    "*:*:*:*:",
    "{sha}",
    "identified by ",
    "password '",
    "digest ",
    "jdbc:oracle:thin:a/",
    "sqlplus a/",
    "machine a login a password ",
    "heroku ",
    "=",
    ":",
    " ",
    "\n",
    "\t",
    "a\tTRUE\t/\tTRUE\t1\ta\t",
    "${",
    "--password ",
    "--password=",
    "/password:",
    "%3D",
    "password%3D",
    "password,",
    "password','",
    "[password",
    "password=[",
    'password=["a",',
    "password={",
    "pass" * 4,
    "key-" * 8,
    "a_b.c-",
    "PASSWORD",
    "Aa" * 9,
    "[" * 4,
    "((",
    "sk-",
    "ghp_",
    "0x",
    "f" * 32 + "-",
    "&quot;password&quot;:",
    "password=a&",
    "password=a,",
    "password=a;b",
    "password=$",
    "password=a.b(",
    "token=aaaaaaaa.",
    "İpassword=",
    "password for ",
    "mount -o a,",
    "net use a ",
    "helm --set a=b,",
    "git -c a",
    "htpasswd -b a",
    "printf a|gpg ",
)


def log(size: int) -> str:
    """About ``size`` characters of what renders and trainings print."""
    chance = random.Random(1)
    lines: list[str] = []
    while size > 0:
        lines.append(chance.choice(LINES).format(chance.randrange(5000), chance.randrange(5000)))
        size -= len(lines[-1]) + 1
    return "\n".join(lines)


def seconds(text: str, times: int) -> float:
    """The least time that redacting ``text`` takes."""
    taken = []
    for _ in range(times):
        began = time.process_time()
        redact(text)
        taken.append(time.process_time() - began)
    return min(taken)


def measured(hostile: str | tuple[str, str], size: int, times: int) -> tuple[float, float, float]:
    """The time of twice the ``size`` to that of it, and both: of a piece that is repeated, or behind a beginning."""
    begin, piece = ("", hostile) if isinstance(hostile, str) else hostile
    first, second = (seconds(begin + piece * (length // len(piece)), times) for length in (size, 2 * size))
    return second / first if second > 0.05 else 1.0, first, second  # below that the clock is too coarse


def main() -> int:
    """Measure; 1 where a goal is missed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--kilobytes", type=int, default=64)
    size = parser.parse_args().kilobytes * 1000
    ordinary = log(1_000_000)
    pace = len(ordinary) / 1e6 / seconds(ordinary, 2)
    print(f"ordinary log: {pace:.1f} MB/s, goal {GOAL_SPEED}: {'met' if pace >= GOAL_SPEED else 'MISSED'}")
    print(f"{'repeated':<34} {'ms':>8} {'twice, ms':>10} {'ratio':>6}")
    worst = 0.0
    for hostile in HOSTILE:
        ratio, first, second = measured(hostile, size, 2)
        if ratio > GOAL_RATIO:
            ratio, first, second = measured(hostile, 2 * size, 5)
        worst = max(worst, ratio)
        if ratio > GOAL_RATIO or second > 0.5:
            name = repr(hostile[:30] if isinstance(hostile, str) else hostile)
            print(f"{name:<34} {first * 1e3:>8.1f} {second * 1e3:>10.1f} {ratio:>6.2f}", flush=True)
    print(
        f"worst ratio of {len(HOSTILE)}: {worst:.2f}, goal {GOAL_RATIO}: {'met' if worst <= GOAL_RATIO else 'MISSED'}"
    )
    return int(worst > GOAL_RATIO or pace < GOAL_SPEED)


if __name__ == "__main__":
    sys.exit(main())
