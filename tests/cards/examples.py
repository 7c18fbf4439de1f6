"""Cards as people should see them, after CARDS.md."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec

from cards.card import (
    Actions,
    Bullets,
    Button,
    Card,
    Chip,
    Code,
    Column,
    Fact,
    Facts,
    Field,
    Footer,
    Form,
    Heading,
    Link,
    Mark,
    Menu,
    Note,
    Option,
    Picture,
    Piece,
    Progress,
    Row,
    Span,
    Table,
    Text,
    Time,
    Words,
)
from cards.charts.usage import UsageChart, UsagePoint

NOW = datetime(2026, 11, 23, 13, 2, tzinfo=UTC)
ZONE = "Europe/Berlin"


def t(*parts: str | Piece) -> Text:
    return tuple(Span(part) if isinstance(part, str) else part for part in parts)


def ago(minutes: float) -> Time:
    return Time(NOW - timedelta(minutes=minutes))


home = Card(
    t("render-prod", Span(" · North Central US", "muted")),
    (
        Facts(
            (
                Fact("Schedules", t("5 active")),
                Fact("Tasks", t("836 running")),
                Fact("Cores", t("12 / 22 busy")),
                Fact("This month", t("$1,204")),
                Fact("Nodes", t("18 running · 2 idle · ", Chip(Mark.FAILED, "1 unusable"), " · 1 preempted")),
            )
        ),
        Heading("Quota"),
        Progress("Dedicated", 120, 350, "cores"),
        Progress("Spot", 40, 100, "cores"),
        Words(
            t(Chip(Mark.WARNING, "1 open alert"), ": pool ", Span("gpu-a", "code"), " has 1 unusable node, ", ago(14))
        ),
        Actions(
            (
                Button("Pools", "pool list"),
                Button("Jobs", "job list"),
                Button("Usage", "usage"),
                Menu("New", "{}", (Option("Pool", "pool create"), Option("Job", "job create")), "form"),
            )
        ),
    ),
    Mark.RUNNING,
    NOW,
    ZONE,
)

_COLUMNS = (
    Column("Job", width=3),
    Column("State"),
    Column("Failed", "right"),
    Column("Done", "right", 1, 2),
    Column("Pool", rank=1),
    Column("Priority", "right", 3),
    Column("State since", rank=2, width=2),
)
job_list = Card(
    t("Jobs in render-prod · active, failed > 0 · 20 of 1,243"),
    (
        Table(
            _COLUMNS,
            tuple(
                Row(
                    (
                        t(Span(f"nightly-render-2026-11-23-sequence-{number:04}"))
                        if number % 2
                        else t(f"sim-{number:04}"),
                        t(Chip(Mark.FAILED if number % 3 == 0 else Mark.RUNNING, "active")),
                        t(f"{number * 7 % 215}"),
                        t(f"{number * 80:,} / 2,003"),
                        t("gpu-a" if number % 2 else "cpu-b"),
                        t("0"),
                        t(ago(number * 47)),
                    )
                )
                for number in range(1, 21)
            ),
        ),
        Actions(
            (
                Button("◀ Newer", "job list state:active page:1", "edit"),
                Button("Older ▶", "job list state:active page:3", "edit"),
                Button("Filter…", "job list state:active", "form"),
                Menu("Open", "job show {}", tuple(Option(f"sim-{n:04}", f"sim-{n:04}") for n in range(2, 21, 2))),
            )
        ),
    ),
    Mark.NEUTRAL,
    NOW,
    ZONE,
)

pool = Card(
    t("Pool gpu-a", Span(" · 4 nodes", "muted")),
    (
        Facts(
            (
                Fact("State", t(Chip(Mark.RUNNING, "active"), " since ", ago(60 * 24 * 3 + 12))),
                Fact("Allocation", t(Chip(Mark.CHANGING, "resizing"), ", 4 → 40 nodes")),
                Fact("Size", t("Standard_NC4as_T4_v3")),
                Fact("Start task", t("/bin/bash -c 'apt-get update && echo *done* > $AZ_BATCH_NODE_ROOT_DIR/log'")),
                Fact("Next evaluation", t(Time(NOW + timedelta(minutes=5)))),
            )
        ),
        Heading("Resize errors"),
        Bullets((t(Span("AllocationTimedout", "bold"), ": desired number of dedicated nodes could not be allocated"),)),
        Code("$TargetDedicatedNodes = min(40,\n    max(0, $PendingTasks.GetSample(180 * TimeInterval_Second)));"),
        Actions(
            (
                Button("Nodes", "node list gpu-a"),
                Button("Resize…", "pool resize gpu-a", "form", "primary"),
                Button("Delete…", "pool delete gpu-a", "post", "danger"),
                Link("Portal", "https://portal.azure.com/#resource/pools/gpu-a"),
            )
        ),
    ),
    Mark.RUNNING,
    NOW,
    ZONE,
)

incident = Card(
    t("nightly…job-12: 214 of 2,003 tasks failed"),
    (
        Facts(
            (
                Fact("Cause", t("out of memory (exit 137) ×198 · input not found ×16")),
                Fact("Where", t("pool gpu-a, spot, Standard_NC4as_T4_v3 · since task ", Span("frame-0021", "code"))),
                Fact("Opened", t(ago(14))),
            )
        ),
        Code("MemoryError: unable to allocate 3.1 GiB for an array with shape (4096, 4096, 25)", "tail"),
        Actions(
            (
                Button("Why", "why job nightly-render-job-12"),
                Button("Logs", "logs nightly-render-job-12 frame-0021"),
                Button("Reactivate 198", "task reactivate job:nightly-render-job-12 exit:137", style="primary"),
                Button("Acknowledge", "alert ack 17", "edit"),
                Menu("Snooze", "alert snooze 17 {}", (Option("1 hour", "1h"), Option("Until tomorrow", "18h")), "edit"),
            )
        ),
        Footer(t("3 more held back until ", Time(NOW + timedelta(minutes=5), "clock"), " · history in the thread")),
    ),
    Mark.FAILED,
    NOW,
    ZONE,
)

mistake = Card(
    t("There is no pool ", Span("gpu-1", "code"), " in render-prod"),
    (
        Words(t("Pool names there that come nearest are below. Names are case-sensitive only in tags.")),
        Actions(
            (
                Button("gpu-a", "pool show gpu-a", style="primary"),
                Button("gpu-b", "pool show gpu-b"),
                Button("All pools", "pool list"),
            )
        ),
    ),
    Mark.FAILED,
    NOW,
    ZONE,
    refused=True,
)

_POINTS = tuple(UsagePoint(NOW - timedelta(hours=24 - hour), hour % 7, 22.0, 1.0) for hour in range(24))
usage = Card(
    t("render-prod used 58 % of its cores in the last 24 h"),
    (
        Picture(
            "usage-24h",
            "Busy cores rose from 0 to 6 of 22 and fell again three times between yesterday 14:00 and today 14:00.",
            UsageChart("58 % busy", "render-prod", _POINTS, 3600, NOW - timedelta(hours=24), NOW, ZONE),
            "Busy cores and all cores",
        ),
        Facts((Fact("Busy", t("306 core-hours")), Fact("All", t("528 core-hours")), Fact("Idle", t("$31.20")))),
        Actions(
            (
                Button("1 h", "usage 1h", "edit"),
                Button("24 h", "usage 24h", "edit", current=True),
                Button("7 d", "usage 7d", "edit"),
                Button("30 d", "usage 30d", "edit"),
            )
        ),
    ),
    Mark.NEUTRAL,
    NOW,
    ZONE,
)

crowded = Card(
    t("Too much for any message"),
    (
        Table(
            tuple(Column(f"Column {n}", rank=n) for n in range(8)),
            tuple(Row((t(f"row {n}"),) * 8) for n in range(60)),
        ),
        Table((Column("Second"), Column("Table", "right")), (Row((t("漢字"), t("1"))), Row((t("שלום"), t("22"))))),
        Code("\n".join(f"line {n}" for n in range(900)), "tail"),
        Actions(tuple(Button(f"Task {n}", f"task show {n}") for n in range(30))),
    ),
    Mark.WARNING,
    NOW,
    ZONE,
)

form = Form(
    "List the jobs of an account",
    "job list",
    (
        Field(
            "account",
            "Account",
            "choice",
            options=(Option("render-prod", "render-prod"), Option("sim", "sim")),
            value="sim",
        ),
        Field("pool", "Pool", "name", hint="The pool they run on", value="render-gpu", names="pool"),
        Field("failed", "Failed tasks, at least", "number", value="1"),
        Field("all", "Finished ones too", "flag", value="true"),
    ),
    "What is left empty does not narrow the list.",
    "List",
)

live_form = Form(
    "Create a pool",
    "pool create",
    (
        Field("pool", "Name", required=True, refresh=True, value="render-gpu", error="render-prod has one already"),
        Field(
            "size",
            "Machine",
            "choice",
            refresh=True,
            required=True,
            options=(Option("D4s v5 · 4 vCPU · $0.19/h", "d4"), Option("NC4as T4 v3 · 4 vCPU · $0.53/h", "nc4")),
            value="nc4",
            hint="What the region has, with what is left of the quota",
        ),
        Field("nodes", "Nodes", "number", refresh=True, value="12", default="0", least=0, most=36),
        Field("packages", "Packages", "choices", options=(Option("blender 4.2", "blender"), Option("tools", "tools"))),
        Field("start", "Start task", lines=True, value="apt-get update\napt-get install -y libgl1"),
        Field("begin", "Not before", "moment", value="2026-11-23T21:00Z"),
        Field("until", "Delete on", "date", value="2026-12-01", more=True),
        Field("quiet", "Scale in at", "time", value="22:00", more=True),
        Field("spec", "Specification", "file", more=True, hint="JSON, as az batch pool create --json-file takes it."),
        Field("slots", "Task slots", "number", default="1", more=True, reset=True),
    ),
    "What is left empty is as Azure has it.",
    "Create",
    notes=(
        Note(t("$6.31/h, 12 × $0.526, list price, North Central US")),
        Note(t("NCASv3_T4: 64 of 160 vCPU are in use, 112 with this pool"), Mark.DONE),
        Note(t("Ubuntu 20.04 ends on 30 Apr"), Mark.WARNING),
    ),
    live=True,
    zone=ZONE,
)

every: dict[str, Card | Form] = {
    "home": home,
    "job-list": job_list,
    "pool": pool,
    "incident": incident,
    "mistake": mistake,
    "usage": usage,
    "crowded": crowded,
    "form": form,
    "form-live": live_form,
    "form-live-more": msgspec.structs.replace(live_form, opened=True),
}
