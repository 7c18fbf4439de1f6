"""Who may do what, as whoever runs the bot reads it; and which patterns fit nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.cli import access
from bot.settings_file import check

ACCOUNT = {"endpoint": "https://sim.westeurope.batch.azure.com", "subscription": "s", "resource_group": "r"}


def allowed(**sections: object) -> list[str]:
    return list(check({"accounts": {"sim": ACCOUNT}, **sections}, {}).allowed())


def test_without_settings_nobody_may_change_anything() -> None:
    assert allowed() == [
        "everybody who is no guest and of no other workspace or tenant may read everything (access.everyone)",
        "nobody may change anything of Azure: no grant, operator or admin is named",
    ]


def test_each_rule_is_a_line() -> None:
    lines = allowed(
        access={"everyone": "none", "operators": ["slack:U0OPS"]},
        people=[{"name": "Olga", "ids": ["slack:U0OLGA", "teams:olga"]}],
        grants=[
            {"to": ["slack:U0OLGA"], "verbs": ["pool *"], "accounts": ["s*"], "entities": ["pool:gpu-*"]},
            {"to": ["conversation:slack:C1"], "verbs": ["*"], "effect": "destroy", "deny": True, "name": "freeze"},
        ],
        approvals=[{"price_per_hour": 50, "nodes": 10, "approvers": ["admins"], "count": 2, "name": "dear"}],
        break_glass={"people": ["teams:olga"], "conversation": "slack:C0AUDIT"},
    )
    assert lines[1:] == [
        "slack:U0OPS may make every change of Azure that destroys nothing (access.operators)",
        "Olga (slack:U0OLGA) may: pool * in s*, on pool:gpu-* (grants.1)",
        "conversation:slack:C1 may not: every change of Azure in every account, only what destroys (grants.freeze)",
        "* in * over 50 an hour or over 10 nodes waits for 2 of admins (approvals.dear)",
        "Olga (teams:olga) may go ahead in an emergency (break_glass.people)",
    ]


def test_a_pattern_that_fits_no_verb_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "b.toml"
    path.write_text(
        "[accounts.sim]\n"
        + "\n".join(f'{key} = "{value}"' for key, value in ACCOUNT.items())
        + '\n[[grants]]\nto = ["slack:U1"]\nverbs = ["pool resise", "pool *"]\n'
    )
    access(settings=path)
    assert capsys.readouterr().err.splitlines() == [
        "batchbot: grants 1.verbs: 'pool resise' fits no command that changes Azure"
    ]


@pytest.mark.parametrize(
    ("sections", "nobody"),
    [
        ({"access": {"operators": ["slack:U0OPS"]}}, False),
        ({"access": {"admins": ["slack:U0OPS"]}}, False),
        ({"access": {"operators": ["slack:U0OPS"], "admins": ["slack:U0OPS"]}}, False),
        ({"access": {"viewers": ["slack:U0OPS"]}}, True),
        ({"grants": [{"to": ["slack:U0OPS"], "verbs": ["*"]}]}, False),
        ({"grants": [{"to": ["slack:U0OPS"], "verbs": ["*"], "deny": True}]}, True),
    ],
)
def test_whoever_may_change_something_is_somebody(sections: dict[str, object], nobody: bool) -> None:
    assert any(line.startswith("nobody may change anything") for line in allowed(**sections)) == nobody
