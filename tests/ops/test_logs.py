"""The log has no secret in it, however deep it stands in what is logged, and whoever logs it."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from tests.ops.written_log import written_log

SECRET = "password=hunter2hunter2"


class Odd:
    """Something that is written by its repr."""

    def __repr__(self) -> str:
        return f"<Odd {SECRET}>"


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """What is written to the log."""
    with written_log(monkeypatch, "info") as out:
        yield out


@pytest.fixture
def log(written: io.StringIO) -> Any:
    return structlog.get_logger()


@pytest.mark.parametrize(
    "value", [SECRET, [SECRET], {"a": (SECRET,)}, {SECRET: 1}, Odd(), [Odd()], ValueError(SECRET), {SECRET}], ids=repr
)
def test_in_any_value(log: Any, written: io.StringIO, value: object) -> None:
    log.warning("area.happened", what=value, count=3, yes=True, none=None)
    said = written.getvalue()
    assert "hunter2" not in said
    assert '"count": 3' in said
    assert '"yes": true' in said


def test_by_its_name(log: Any, written: io.StringIO) -> None:
    log.warning("area.happened", app_password="hunter2", inner={"DB_PASSWORD": "hunter2"})
    assert "hunter2" not in written.getvalue()


def test_in_a_traceback_and_in_what_a_library_logs(log: Any, written: io.StringIO) -> None:
    try:
        int(SECRET)
    except ValueError:
        log.exception("area.failed")
        logging.getLogger("library").exception("it said %s", SECRET)
    said = written.getvalue()
    assert said.count("ValueError") >= 2
    assert "hunter2" not in said


def test_a_secret_at_a_cut_is_hidden_whole(log: Any, written: io.StringIO) -> None:
    log.warning("area.happened", what="x" * 19_990 + f" {SECRET} " + "y" * 5_000)
    said = written.getvalue()
    assert "hunter2" not in said
    assert len(said) < 21_000
