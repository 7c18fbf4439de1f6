"""Refusals, in the words of the Batch service and of Azure Resource Manager.

A handler raises `Refusal` (data plane) or `ArmRefusal`; the listener turns it into the body with request id and time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from bot.sandbox.world.refused import Refused

MESSAGES: Final[Mapping[str, tuple[int, str]]] = {
    "AuthenticationFailed": (
        403,
        "Server failed to authenticate the request. Make sure the value of Authorization header is formed correctly "
        "including the signature.",
    ),
    "CertificateAPIRetired": (400, "The certificate APIs of the Batch service are retired"),
    "ConditionNotMet": (412, "The condition specified using HTTP conditional header(s) is not met."),
    "InternalError": (500, "Server encountered an internal error. Please try again after some time."),
    "InvalidAuthenticationInfo": (
        400,
        "Authentication information is not given in the correct format. Check the value of Authorization header.",
    ),
    "InvalidHeaderValue": (400, "The value for one of the HTTP headers is not in the correct format."),
    "IOError": (403, "An I/O error occurred when accessing the specified resource."),
    "InvalidQueryParameterValue": (
        400,
        "Value for one of the query parameters specified in the request URI is invalid.",
    ),
    "InvalidRange": (416, "The range specified is invalid for the current size of the resource."),
    "MissingRequiredQueryParameter": (
        400,
        "A query parameter that's mandatory for this request is not specified.",
    ),
    "MultipleConditionHeadersNotSupported": (400, "Multiple condition headers are not supported."),
    "OperationTimedOut": (500, "Operation could not be completed within the specified time."),
    "OutOfRangeQueryParameterValue": (
        400,
        "A query parameter specified in the request URI is outside the permissible range.",
    ),
    "PoolUsageMetricAPIRetired": (400, "Pool list usage metrics API was retired on 09/30/2024"),
    "ResourceNotFound": (404, "The specified resource does not exist."),
    "ServerBusy": (503, "The server is currently unable to receive requests. Please retry your request."),
    "TooManyRequests": (429, "Too many requests have been received. Please retry your request after some time."),
    "UnsupportedHttpVerb": (405, "The resource doesn't support the specified HTTP verb."),
    "AutoScalingFormulaTooLong": (400, "The autoscaling formula is longer than 8 KB."),
    "EmptyMetadataKey": (400, "The key of a metadata item is empty."),
    "InvalidAutoScalingSettings": (400, "The autoscale settings of the pool are invalid."),
    "InvalidMetadata": (400, "The specified metadata is invalid."),
    "InvalidPropertyValue": (400, "The value provided for one of the properties in the request body is invalid."),
    "InvalidRequestBody": (400, "The specified Request Body is not syntactically valid."),
    "MissingRequiredProperty": (400, "A required property was not specified in the request body."),
    "OutOfRangeInput": (400, "One of the request inputs is out of range."),
    "OutOfRangePriority": (400, "The specified priority is out of range."),
    "RequestBodyTooLarge": (413, "The request body is too large and exceeds the maximum permissible limit."),
    "TaskDependenciesNotSpecifiedOnJob": (
        400,
        "The job does not specify usesTaskDependencies, so that its tasks cannot depend on others.",
    ),
    "TaskDependencyListTooLong": (400, "The list of tasks that the task depends on is too long."),
    "TaskDependencyRangesTooLong": (400, "The ranges of tasks that the task depends on are too long."),
}
"""Error code -> its usual status and its text."""


class Refusal(Exception):
    """A data-plane answer that is not a success."""

    def __init__(
        self,
        code: str,
        values: Sequence[tuple[str, str]] = (),
        *,
        status: int = 0,
        message: str = "",
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(code)
        usual, text = MESSAGES.get(code, (500, code))
        self.code = code
        self.status = status or usual
        self.message = message or text
        self.values = values
        self.headers = dict(headers or {})

    @classmethod
    def query(cls, name: str, value: str, reason: str) -> Refusal:
        """A query parameter whose value cannot be used."""
        return cls(
            "InvalidQueryParameterValue",
            [("QueryParameterName", name), ("QueryParameterValue", value), ("Reason", reason)],
        )

    def body(self, endpoint: str, request_id: str, now: datetime) -> dict[str, Any]:
        """The JSON of the answer; ``endpoint`` is the account's, without a trailing slash."""
        body: dict[str, Any] = {
            "odata.metadata": f"{endpoint}/$metadata#Microsoft.Azure.Batch.Protocol.Entities.Container.errors/@Element",
            "code": self.code,
            "message": {"lang": "en-US", "value": f"{self.message}\nRequestId:{request_id}\nTime:{ticks(now)}"},
        }
        if self.values:
            body["values"] = [{"key": key, "value": value} for key, value in self.values]
        return body


def from_world(refused: Refused) -> Refusal:
    """What the world refuses, as the data plane answers it."""
    return Refusal(refused.code, list(refused.values.items()), status=refused.status, message=refused.message)


class ArmRefusal(Exception):
    """An Azure Resource Manager answer that is not a success.

    With ``target`` the refusal is the Batch provider's, which signs its message with request id and time; without it
    it is Resource Manager's own, which does not.
    """

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        target: str = "",
        details: Sequence[tuple[str, str]] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(code)
        self.status = status
        self.code = code
        self.message = message
        self.target = target
        self.details = details
        self.headers = dict(headers or {})

    def body(self, request_id: str, now: datetime) -> dict[str, Any]:
        """The JSON of the answer."""
        if not self.target:
            return {"error": {"code": self.code, "message": self.message}}
        message = f"{self.message}\nRequestId:{request_id}\nTime:{ticks(now)}"
        error: dict[str, Any] = {"code": self.code, "message": message, "target": self.target}
        if self.details:
            error["details"] = [{"code": name, "message": value} for name, value in self.details]
        return {"error": error}


def ticks(moment: datetime) -> str:
    """A UTC time with the seven decimals of the service."""
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond:06d}0Z"
