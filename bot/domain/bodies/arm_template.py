"""A pool as a template of Resource Manager, in JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot.domain.bodies.arm import API_VERSION, POOL_TYPE, Resource
from bot.domain.bodies.fields import Body
from bot.domain.bodies.hidden import Hidden, found, parameter_names

SCHEMA = "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#"
_SECURE = {"string": "securestring", "object": "secureObject"}


def arm_template(resource: Resource, account: str) -> Body:
    """The template: secret values are secure parameters, which whoever deploys it is asked for."""
    names = parameter_names(found([resource.identity, resource.properties]))
    parameters: Body = {"accountName": {"type": "string", "defaultValue": account}}
    for hidden, name in names.items():
        parameters[name] = {"type": _SECURE[hidden.kind], "metadata": {"description": hidden.description}}
    quoted = resource.name.replace("'", "''")
    pool: Body = {
        "type": POOL_TYPE,
        "apiVersion": API_VERSION,
        "name": f"[format('{{0}}/{{1}}', parameters('accountName'), '{quoted}')]",
    }
    if resource.identity:
        pool["identity"] = _written(resource.identity, names)
    pool["properties"] = _written(resource.properties, names)
    return {"$schema": SCHEMA, "contentVersion": "1.0.0.0", "parameters": parameters, "resources": [pool]}


def literal(words: str) -> str:
    """Text as a template has it: what has the form of an expression, from bracket to bracket, gets a second bracket."""
    return f"[{words}" if words.startswith("[") and words.endswith("]") else words


def _written(value: Any, names: Mapping[Hidden, str]) -> Any:
    match value:
        case Hidden():
            return f"[parameters('{names[value]}')]"
        case str():
            return literal(value)
        case dict():
            return {name: _written(held, names) for name, held in value.items()}
        case list():
            return [_written(held, names) for held in value]
        case _:
            return value
