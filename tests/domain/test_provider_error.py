"""Errors that carry other errors: what lies at their bottom, however they were wrapped and wherever they were cut."""

from __future__ import annotations

import json
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.azure.models.pool import NameValue, ResizeError
from bot.domain.advice import of_resize
from bot.domain.pools import error_text
from bot.domain.provider_error import ProviderError, innermost

QUOTED = (
    "Resource 'x' was disallowed by policy. Policy identifiers: "
    '\'[{"policyAssignment":{"name":"Only small machines","id":"/s/1"},'
    '"policyDefinition":{"name":"Sizes","id":"/s/2"}}]\'.'
)
LOCKED = "The scope cannot perform write operation because following scope(s) are locked: '/subscriptions/1'."


def wrapped(code: str, message: str, *, outer: tuple[str, ...] = ()) -> str:
    """An error below others, each a document in the message of the next."""
    said = json.dumps({"error": {"code": code, "message": message}})
    for name in outer:
        said = json.dumps({"error": {"code": name, "message": said}})
    return said


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("Desired number of nodes could not be allocated", [], id="no document"),
        pytest.param('{"count": 3, "nodes": ["a"]}', [], id="no error"),
        pytest.param(wrapped("SkuNotAvailable", "gone"), [("SkuNotAvailable", "gone")], id="whole"),
        pytest.param(
            "It failed: " + wrapped("SkuNotAvailable", "gone"), [("SkuNotAvailable", "gone")], id="behind words"
        ),
        pytest.param('{"code":"ScopeLocked","message":"m"}', [("ScopeLocked", "m")], id="without the word error"),
        pytest.param('{"Error":{"Code":"ScopeLocked","Message":"m"}}', [("ScopeLocked", "m")], id="other letters"),
        pytest.param(
            wrapped("QuotaExceeded", "q", outer=("Conflict", "DeploymentFailed")),
            [("QuotaExceeded", "q")],
            id="in strings",
        ),
        pytest.param(json.dumps(wrapped("QuotaExceeded", "q")), [("QuotaExceeded", "q")], id="quoted as a whole"),
        pytest.param(
            json.dumps(wrapped("QuotaExceeded", "q"))[1:-1], [("QuotaExceeded", "q")], id="escaped without its quotes"
        ),
        pytest.param(
            '{"error":{"code":"InvalidTemplateDeployment","details":[{"code":"ScopeLocked","message":"l"},'
            '{"code":"QuotaExceeded","message":"q"}]}}',
            [("ScopeLocked", "l"), ("QuotaExceeded", "q")],
            id="several",
        ),
        pytest.param(
            '{"error":{"code":"BadRequest","message":"m","innererror":{"code":"InvalidParameter","message":"p"}}}',
            [("InvalidParameter", "p")],
            id="an inner error",
        ),
        pytest.param('{"error":{"code":"QuotaExceeded","mess', [("QuotaExceeded", "")], id="cut in a name"),
        pytest.param('{"error":{"code":"QuotaExceeded","message":', [("QuotaExceeded", "")], id="cut before a value"),
        pytest.param('{"error":{"code":"QuotaExceeded",', [("QuotaExceeded", "")], id="cut behind a comma"),
        pytest.param(
            '{"error":{"code":"QuotaExceeded","message":"a \\', [("QuotaExceeded", "a ")], id="cut in an escape"
        ),
        pytest.param(
            '{"error":{"code":"QuotaExceeded","message":"a \\u00', [("QuotaExceeded", "a ")], id="cut in a sign"
        ),
        pytest.param(
            '{"error":{"code":"DeploymentFailed","message":"m"}}', [("DeploymentFailed", "m")], id="only a wrapper"
        ),
    ],
)
def test_what_lies_at_the_bottom(text: str, expected: list[tuple[str, str]]) -> None:
    assert [(each.code, each.message) for each in innermost([text])] == expected


def test_wherever_a_document_is_cut_its_code_is_found() -> None:
    text = wrapped("RequestDisallowedByPolicy", QUOTED, outer=("Conflict", "DeploymentFailed"))
    behind = text.index("RequestDisallowedByPolicy") + len("RequestDisallowedByPolicy") + 4
    for end in range(behind, len(text) + 1):
        (found,) = innermost([text[:end]])
        assert found.code == "RequestDisallowedByPolicy", text[:end]


@pytest.mark.parametrize(
    "error",
    [
        {"code": "RequestDisallowedByPolicy", "message": QUOTED},
        {
            "code": "RequestDisallowedByPolicy",
            "message": "Disallowed. " + "For reasons. " * 100,
            "additionalInfo": [
                {"type": "PolicyViolation", "info": {"policyAssignmentDisplayName": "Only small machines"}}
            ],
        },
    ],
)
def test_the_policy_is_named_before_all_that_may_be_cut(error: dict[str, object]) -> None:
    (found,) = innermost([json.dumps({"error": error})])
    assert found.names == (("policy", "Only small machines"),)
    assert found.words.startswith("policy “Only small machines”: ")


@given(
    st.text(alphabet=string.printable, max_size=400),
    st.sampled_from(["", "{", '{"error":', '[["', '{"code":"A","message":"']),
)
def test_no_text_is_too_strange(text: str, before: str) -> None:
    assert all(isinstance(each, ProviderError) and each.code for each in innermost([before + text]))


@pytest.mark.parametrize("text", ['{"error":' * 20_000, '{"' * 30_000, '[["' * 20_000, '"\\' * 30_000, "{," * 30_000])
def test_no_text_is_too_deep(text: str) -> None:
    assert innermost([text]) == ()


@pytest.mark.parametrize(
    ("code", "message", "cause"),
    [
        ("RequestDisallowedByPolicy", "disallowed", "a policy of Azure forbids"),
        ("ScopeLocked", LOCKED, "a lock on the subscription"),
        ("SkuNotAvailable", "restricted", "sold out or restricted"),
        ("QuotaExceeded", "Regional Cores", "a quota of the subscription"),
        ("OperationNotAllowed", "exceeding approved Total Regional Cores quota", "a quota of the subscription"),
        ("OperationNotAllowed", "something else", "does not allow it"),
        ("BadRequest", "The selected VM size cannot boot Hypervisor Generation '2'", "an image of this generation"),
        ("SubnetIsFull", "Subnet a with prefix 10.0.0.0/28 is full", "no free addresses"),
        ("BadRequest", "Subnet a does not have enough capacity for 4 IP addresses", "no free addresses"),
        ("InvalidParameter", "The value of parameter imageReference is invalid", "does not take a value"),
        ("InvalidParameterValue", "x", "does not take a value"),
        ("OverconstrainedAllocationRequest", "x", "just this mix"),
        ("ZonalAllocationFailed", "x", "in the zone"),
        ("AllocationFailed", "no capacity", "no more machines of this size"),
        ("LinkedAuthorizationFailed", "x", "no right"),
        ("PublicIPCountLimitReached", "x", "public IP addresses"),
        ("ImageNotFound", "x", "image is gone"),
    ],
)
def test_what_is_said_of_it(code: str, message: str, cause: str) -> None:
    said, words = error_text(
        ResizeError(
            "AllocationFailed",
            "Desired number of dedicated nodes could not be allocated",
            (NameValue("ProviderErrorJson", wrapped(code, message)), NameValue("ProviderErrorJsonTruncated", "False")),
        )
    )
    assert said == code
    assert message in words
    advice = of_resize(said, words)
    assert cause in advice.cause
    assert advice.do
    assert not advice.id.startswith("unknown.")


def test_an_error_that_carries_no_other_is_itself() -> None:
    error = ResizeError("AllocationTimedOut", "Timed out", (NameValue("Resize", "the details"),))
    assert error_text(error) == ("AllocationTimedOut", "Timed out (the details)")
    assert error_text(ResizeError("A", "", (NameValue("x", "y"),))) == ("A", "y")


def test_where_all_below_only_wrap_the_outer_code_counts_if_it_says_more() -> None:
    empty = ("MultipleErrorsOccurred", "several")
    for outer, code in (("SkuNotAvailable", "SkuNotAvailable"), ("DeploymentFailed", "MultipleErrorsOccurred")):
        assert [each.code for each in innermost([wrapped(*empty, outer=(outer,))])] == [code]


BY_SET, BY_DEFINITION, BY_ASSIGNMENT = (
    {"policyAssignmentDisplayName": "", "policyDefinitionDisplayName": "Sizes of all", "policyAssignmentName": "a1"},
    {"policyAssignmentName": "a1"},
    {"policyAssignmentDisplayName": "Only small", "policyDefinitionDisplayName": "Sizes", "policyAssignmentName": "a1"},
)


@pytest.mark.parametrize(
    ("info", "named"),
    [
        ([{"type": "PolicyViolation", "info": BY_ASSIGNMENT}], ["Only small"]),
        ([{"info": BY_SET}], ["Sizes of all"]),
        ([{"info": BY_DEFINITION}], ["a1"]),
        ([{"info": BY_DEFINITION}, {"info": BY_ASSIGNMENT}], ["a1", "Only small"]),
        ([{"info": BY_DEFINITION}, {"info": BY_DEFINITION}], ["a1"]),
        ([{"info": {"policyAssignmentName": 7}}], []),
        ([{"info": "in words"}, {"type": "other"}, "in words", 7, None], []),
        ({"info": BY_DEFINITION}, []),
        ("in words", []),
        (7, []),
        (True, []),
        (None, []),
    ],
)
def test_what_forbids_it_stands_in_the_details_of_an_error_whatever_else_does(info: object, named: list[str]) -> None:
    text = json.dumps({"error": {"code": "RequestDisallowedByPolicy", "message": "m", "additionalInfo": info}})
    (found,) = innermost([text])
    assert found.names == tuple(("policy", each) for each in named)
    assert found.words == (", ".join(f"policy “{each}”" for each in named) + (": m" if named else "m"))


@pytest.mark.parametrize(
    ("quoted", "named"),
    [
        ('{"policyDefinition":{"name":"D"},"policySetDefinition":{"name":"S"},"policyAssignment":{"name":"A"}}', "A"),
        ('{"policyDefinition":{"name":"D"},"policySetDefinition":{"name":"S"}}', "S"),
        ('{"policyDefinition":{"name":"D"}}', "D"),
        ('{"policyAssignment":{"name":"A"}},{"policyAssignment":{"name":"B"}}', "A"),
    ],
)
def test_a_policy_is_named_by_its_assignment_else_its_set_else_its_definition(quoted: str, named: str) -> None:
    (found,) = innermost([wrapped("RequestDisallowedByPolicy", f"disallowed: '[{quoted}]'")])
    assert found.names == (("policy", named),)


@pytest.mark.parametrize(
    ("texts", "codes"),
    [
        pytest.param(['{"code":"First" "code":"Last" ]'], ["Last"], id="of what is no document the last code"),
        pytest.param([wrapped("A", "a"), wrapped("B", "b")], ["A", "B"], id="of several texts all"),
        pytest.param([wrapped("A", "a"), wrapped("a", "a")], ["A"], id="the same once, in any case"),
        pytest.param([wrapped("A", "a"), wrapped("A", "b")], ["A", "A"], id="other words are another"),
        pytest.param(
            [wrapped("DeploymentFailed", "m")], ["DeploymentFailed"], id="a wrapper of nothing is all there is"
        ),
        pytest.param([wrapped("DeploymentFailed", "m"), wrapped("A", "a")], ["A"], id="and else says nothing"),
        pytest.param(
            [json.dumps({"code": "Outer", "details": [{"code": "DeploymentFailed", "message": "m"}]})],
            ["Outer"],
            id="an error above a wrapper says more",
        ),
        pytest.param(
            [json.dumps({"code": "DeploymentFailed", "details": [{"code": "MultipleErrorsOccurred"}]})],
            ["MultipleErrorsOccurred"],
            id="of two wrappers the inner one",
        ),
        pytest.param([json.dumps({"code": "", "details": [{"code": "A"}]})], ["A"], id="no code of its own"),
        pytest.param([json.dumps({"code": 7, "details": [{"code": "A"}]})], ["A"], id="a code that is none"),
        pytest.param([json.dumps([[{"code": "A"}], {"code": "B"}])[1:]], ["A"], id="the first document of a text"),
    ],
)
def test_which_of_several_errors_is_told(texts: list[str], codes: list[str]) -> None:
    assert [each.code for each in innermost(texts)] == codes
