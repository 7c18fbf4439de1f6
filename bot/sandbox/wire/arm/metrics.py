"""Metrics as Resource Manager tells them: of one account, with errors that are not wrapped (recorded elsewhere)."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from bot.sandbox.world.ledger.past import KEPT

from ..listener import respond
from ..monitor.definitions import METRICS
from ..monitor.query import GRAINS, MetricError, Query, zulu
from .body import CONTENT_TYPE
from .directory import Directory
from .routes import Handlers, Parts


class MetricRoutes:
    """``Microsoft.Insights/metrics`` and ``metricDefinitions`` of an account."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory
        self.handlers: Handlers = {
            ("GET", "metrics"): self._metrics,
            ("GET", "metric definitions"): self._definitions,
        }

    def _metrics(self, request: web.Request, parts: Parts) -> web.Response:
        account = self._directory.account(parts)
        now = account.world.time
        try:
            query = Query.read({name.lower(): value for name, value in request.query.items()}, now)
            value = query.answer(account.ledger, _resource(request), now)
        except MetricError as error:
            return respond({"code": "BadRequest", "message": str(error)}, status=400, content_type=CONTENT_TYPE)
        seconds = (query.end - query.start).total_seconds()
        body: dict[str, Any] = {
            "cost": max(0, int(seconds // 60 // query.minutes) * len(query.metrics) - len(query.metrics)),
            "timespan": f"{zulu(query.start)}/{zulu(query.end)}",
            "interval": query.interval,
            "value": value,
            "namespace": "Microsoft.Batch/batchAccounts",
            "resourceregion": account.facts.location,
        }
        return respond(body, content_type=CONTENT_TYPE)

    def _definitions(self, request: web.Request, parts: Parts) -> web.Response:
        self._directory.account(parts)
        resource = _resource(request)
        grains = [{"timeGrain": grain, "retention": f"P{KEPT.days}D"} for grain in GRAINS]
        value = [
            {
                "id": f"{resource}/providers/microsoft.insights/metricdefinitions/{metric.name}",
                "resourceId": resource,
                "namespace": "Microsoft.Batch/batchaccounts",
                "name": {"value": metric.name, "localizedValue": metric.title},
                "displayDescription": metric.description,
                "isDimensionRequired": False,
                "unit": "Count",
                "primaryAggregationType": "Total",
                "supportedAggregationTypes": ["None", "Average", "Minimum", "Maximum", "Total", "Count"],
                "metricAvailabilities": grains,
                **({"dimensions": [{"value": name, "localizedValue": name} for name in metric.dimensions]}
                   if metric.dimensions else {}),
            }
            for metric in METRICS.values()
        ]  # fmt: skip
        return respond({"value": value}, content_type=CONTENT_TYPE)


def _resource(request: web.Request) -> str:
    """The account's id as the path spells it."""
    path = request.path
    return path[: path.lower().rindex("/providers/microsoft.insights/")]
