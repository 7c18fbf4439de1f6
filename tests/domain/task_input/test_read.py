"""What is pasted or attached becomes tasks, or sentences that say what is wrong and where."""

from __future__ import annotations

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.task_input.model import TaskInput, problem_lines
from bot.domain.task_input.read import read_tasks
from bot.domain.task_input.table import delimiter_of

TWO: list[dict[str, object]] = [
    {"id": "a", "commandLine": "one"},
    {"id": "b", "commandLine": "two", "requiredSlots": 2},
]


def bodies(found: TaskInput) -> list[object]:
    assert not found.problems
    return [msgspec.json.decode(task.body) for task in found.tasks]


def problems(text: str | bytes, **options: object) -> list[str]:
    return [str(problem) for problem in read_tasks(text, **options).problems]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "text",
    [
        json.dumps(TWO),
        json.dumps(TWO, indent=4),
        "\n".join(json.dumps(task) for task in TWO) + "\n",
        json.dumps({"value": TWO}),
        json.dumps({"odata.metadata": "https://x/$metadata#tasks", "value": TWO}, indent=1),
        json.dumps({"tasks": TWO}),
        "[" + ",\n".join(json.dumps(task) for task in TWO) + ",\n]",
        "id,commandLine,requiredSlots\na,one,\nb,two,2\n",
        "id;commandLine;requiredSlots\r\na;one;\r\n\r\nb;two;2",
        'ID\tcommand_line\tslots\n"a"\t"one"\t\nb\ttwo\t2\n',
    ],
)
def test_the_same_tasks_however_they_are_written(text: str) -> None:
    assert bodies(read_tasks(text)) == TWO
    assert bodies(read_tasks("\ufeff" + text)) == TWO
    for encoding in ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"):
        assert bodies(read_tasks(text.encode(encoding))) == TWO


def test_one_object_is_one_task() -> None:
    assert bodies(read_tasks(json.dumps(TWO[0], indent=2))) == [TWO[0]]


def test_a_template_makes_a_command_of_each_row() -> None:
    table = 'frame,scene\n1,lobby\n7,"roof, night"\n'
    found = read_tasks(table, template='blender -f {frame} "{Scene}" && echo {row} ${{HOME}}')
    assert [task.command for task in found.tasks] == [
        'blender -f 1 "lobby" && echo 1 ${HOME}',
        'blender -f 7 "roof, night" && echo 2 ${HOME}',
    ]
    assert [task.id for task in found.tasks] == ["row-00001", "row-00002"]
    assert found.notes == ("2 tasks without an id: numbered from row-00001.",)


def test_columns_are_properties() -> None:
    table = "Id,command,Display Name,maxTaskRetryCount,retentionTime,dependsOn,env:SCENE\nx,run,X,3,P1D,a;b,roof\n"
    assert bodies(read_tasks(table)) == [
        {
            "id": "x",
            "commandLine": "run",
            "displayName": "X",
            "constraints": {"maxTaskRetryCount": 3, "retentionTime": "P1D"},
            "dependsOn": {"taskIds": ["a", "b"]},
            "environmentSettings": [{"name": "SCENE", "value": "roof"}],
        }
    ]


def test_a_task_that_was_copied_from_the_service_goes_without_what_the_service_set() -> None:
    read = {**TWO[0], "url": "https://x/jobs/j/tasks/a", "state": "completed", "executionInfo": {"exitCode": 1}}
    found = read_tasks(json.dumps(read))
    assert bodies(found) == [TWO[0]]
    assert found.notes == ("Left out, because the service sets it: executionInfo, state, url.",)


@pytest.mark.parametrize("text", ["", " \n"])
def test_what_is_wrong_with_a_whole_text_has_no_line(text: str) -> None:
    assert [each.line for each in read_tasks(text).problems] == [0]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "there is nothing in it."),
        (" \n", "there is nothing in it."),
        ("[]", "there are no tasks in it."),
        ("frame,scene\n", "no column is called commandLine"),
        ("id,command,env:\na,x,y\n", "the column env: is not a property of a task"),
        ("[1]", "line 1: a task is an object, {…}, not 1"),
        ('[{"id":"a","commandLine":"x"}\n{"id":"b"}]', "line 2: this is not valid JSON: a comma or ] is missing here."),
        ('[{"id":"a","commandLine":"x"}] x', "line 1: this is not valid JSON: something follows the end of the list."),
        ("[{“id”:1}]", "Curly quotes (“ ”) have to be straight ones."),
        ('[{"id":"a","commandLine":"x","requiredSlots":NaN}]', "NaN is not a number."),
        ("[" * 100_000, "line 1: this is nested too deeply"),
        ('[\n{"id":"a b","commandLine":"x"}]', "line 2: the id “a b” is not a task id"),
        ('{"id":"","commandLine":"x"}', "the id “” is not a task id"),
        ('{"id":7,"commandLine":"x"}', "the id 7 is not a task id"),
        (json.dumps({"id": "x" * 65, "commandLine": "x"}), "is not a task id: letters, digits, - and _, 1 to 64"),
        ('{"id":"a"}', "line 1: commandLine is missing."),
        ('{"id":"a","commandLine":" "}', "commandLine is a text, not “ ”."),
        ('{"id":"a","commandLine":["x"]}', "commandLine is a text, not a list."),
        ('{"id":"a","command_line":"x"}', "command_line is not a property of a task: did you mean commandLine?"),
        ('{"id":"a","commandLine":"x","resourceFile":[]}', "did you mean resourceFiles?"),
        ('{"id":"a","commandLine":"x","constraints":{"maxTaskRetries":1}}', "did you mean maxTaskRetryCount?"),
        ('{"id":"a","commandLine":"x","environmentSettings":{"A":"b"}}', "environmentSettings is a list"),
        ('{"id":"a","commandLine":"x","resourceFiles":[{"httpURI":"x"}]}', "resourceFiles[0].httpURI is no property"),
        ('{"id":"a","commandLine":"x","requiredSlots":true}', "requiredSlots is a number, not true."),
        ('{"id":"a","commandLine":"x","dependsOn":{"taskIds":"b"}}', "dependsOn.taskIds is a list of texts"),
        ('{"id":"a","commandLine":"\\ud800"}', "half a character"),
        (
            '[{"id":"Ab","commandLine":"x"},\n{"id":"aB","commandLine":"x"}]',
            "the id aB is there before (line 1)",
        ),
        ("id,commandLine\na,one\nb\n", "line 3: there are 1 cell and 2 columns"),
        ('id,commandLine\na,"one\n', "a quote is opened and not closed."),
        ('id,commandLine\na,"one"x\n', "something follows a closing quote"),
        ("id,id,commandLine\n", "two columns are called id."),
        (",commandLine\n", "a column has no name"),
        ("id,commandLine,displayNam\n", "displayNam is not a property of a task: did you mean displayName?"),
        ("id,commandLine,requiredSlots\na,x,two\n", "line 2: requiredSlots is a number, not “two”."),
    ],
)
def test_what_is_wrong_is_said_with_its_line(text: str, said: str) -> None:
    assert said in "\n".join(problems(text))


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ("run {fram}", "{fram}, and the first line of the table no such column. Did you mean {frame}?"),
        ("run {xyz}", "There are frame, scene, row."),
        ("run {", "A brace in the template is alone: write {{ for a brace itself."),
        ("run {scene}", "line 3: the cell of {scene} is empty."),
    ],
)
def test_what_is_wrong_with_a_template(template: str, said: str) -> None:
    assert said in "\n".join(problems("frame,scene\n1,a\n2,\n", template=template))


def test_a_template_needs_a_table() -> None:
    assert problems(json.dumps(TWO), template="x") == ["a template makes commands of a table's rows; this is JSON."]


def test_bytes_that_are_no_text() -> None:
    assert "save it as UTF-8" in problems("größe,commandLine\n".encode("latin-1"))[0]
    assert "attach JSON or CSV" in problems(b"PK\x03\x04 \x00\x00 x")[0]


def test_dependencies_need_a_job_that_has_them() -> None:
    text = '{"id":"a","commandLine":"x","dependsOn":{"taskIds":["b"]}}'
    assert "without usesTaskDependencies" in problems(text, uses_dependencies=False)[0]
    assert not problems(text, uses_dependencies=True)
    assert not problems(text)
    long = json.dumps({"id": "a", "commandLine": "x", "dependsOn": {"taskIds": ["x" * 64] * 1001}})
    assert "have 64,064 characters together, and 64,000 is the most." in problems(long)[0]


def test_no_more_than_ten_thousand_tasks() -> None:
    table = "commandLine\n" + "x\n" * 10_001
    assert problems(table) == ["there are 10,001 tasks, and 10,000 can be added at once: cut it in parts."]
    found = read_tasks(table[:-2])
    assert len(found.tasks) == 10_000
    assert [task.id for task in found.preview] == ["row-00001", "row-00002", "row-00003", "row-10000"]


def test_a_task_that_fits_no_request() -> None:
    assert "bytes, and a request less than 1 MB" in problems(json.dumps({"id": "a", "commandLine": "x" * 1_000_000}))[0]


def test_ten_problems_are_told_and_the_rest_is_counted() -> None:
    found = read_tasks("[" + ",\n".join(['{"id":"a b","commandLine":"x"}'] * 37) + "]")
    lines = list(problem_lines(found.problems))
    assert len(lines) == 11
    assert lines[-1] == "and 27 more"
    assert [problem.line for problem in found.problems] == list(range(1, 38))


@given(st.text(max_size=200) | st.binary(max_size=200))
def test_nothing_that_is_pasted_makes_it_fail(text: str | bytes) -> None:
    found = read_tasks(text, template="" if len(text) % 2 else "x {a}")
    assert found.tasks or found.problems


_IDS = st.from_regex(r"[A-Za-z0-9_-]{1,64}", fullmatch=True)
_TEXTS = st.text(st.characters(codec="utf-8"), min_size=1).filter(str.strip)


@given(st.lists(st.tuples(_IDS, _TEXTS), min_size=1, unique_by=lambda pair: pair[0].lower()), st.integers(0, 4))
def test_what_was_written_is_what_is_sent(pairs: list[tuple[str, str]], indent: int) -> None:
    tasks = [{"id": task_id, "commandLine": command} for task_id, command in pairs]
    assert bodies(read_tasks(json.dumps(tasks, indent=indent or None))) == tasks


@pytest.mark.parametrize(
    ("header", "separator"),
    [
        ("frame,scene", ","),
        ("frame;scene;shot,take", ";"),
        ("frame\tscene", "\t"),
        ("frame", ","),
        ('frame,"a;b;c;d",scene', ","),
        ('"a,b";"c,d";e', ";"),
        ('"a,b,c"', ","),
    ],
)
def test_what_separates_columns_stands_outside_of_quotes(header: str, separator: str) -> None:
    assert delimiter_of(header) == separator


@pytest.mark.parametrize("between", [",", " ,\n", "\n", " ", ""])
def test_tasks_one_after_the_other_are_read_with_and_without_commas(between: str) -> None:
    found = read_tasks(between.join(json.dumps(each) for each in TWO))
    assert bodies(found) == TWO
