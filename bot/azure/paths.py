"""Where things are on the data plane: paths, with every name encoded."""

from __future__ import annotations

from urllib.parse import quote

from bot.azure.errors import AzureError


class Paths:
    """Paths below an account's endpoint. Each raises AzureError (404) for what can be no name."""

    @staticmethod
    def pool(pool: str) -> str:
        """/pools/{pool}."""
        return f"/pools/{encoded(pool)}"

    @staticmethod
    def nodes(pool: str) -> str:
        """/pools/{pool}/nodes."""
        return f"/pools/{encoded(pool)}/nodes"

    @staticmethod
    def node(pool: str, node: str) -> str:
        """/pools/{pool}/nodes/{node}."""
        return f"/pools/{encoded(pool)}/nodes/{encoded(node)}"

    @staticmethod
    def job(job: str) -> str:
        """/jobs/{job}."""
        return f"/jobs/{encoded(job)}"

    @staticmethod
    def tasks(job: str) -> str:
        """/jobs/{job}/tasks."""
        return f"/jobs/{encoded(job)}/tasks"

    @staticmethod
    def task(job: str, task: str) -> str:
        """/jobs/{job}/tasks/{task}."""
        return f"/jobs/{encoded(job)}/tasks/{encoded(task)}"

    @staticmethod
    def schedule(schedule: str) -> str:
        """/jobschedules/{schedule}."""
        return f"/jobschedules/{encoded(schedule)}"

    @staticmethod
    def schedule_jobs(schedule: str) -> str:
        """/jobschedules/{schedule}/jobs."""
        return f"/jobschedules/{encoded(schedule)}/jobs"

    @staticmethod
    def application(application: str) -> str:
        """/applications/{application}, on both planes."""
        return f"/applications/{encoded(application)}"

    @staticmethod
    def package(application: str, version: str) -> str:
        """/applications/{application}/versions/{version}, below an account of Resource Manager."""
        return f"/applications/{encoded(application)}/versions/{encoded(version)}"

    @staticmethod
    def certificate_path(algorithm: str, thumbprint: str) -> str:
        """/certificates(thumbprintAlgorithm={algorithm},thumbprint={thumbprint})."""
        return f"/certificates(thumbprintAlgorithm={encoded(algorithm)},thumbprint={encoded(thumbprint)})"


def encoded(name: str) -> str:
    """One name in a path. A name of dots alone would be taken for a direction; the service has none such."""
    if not name.strip("."):
        raise AzureError("InvalidName", f"{name!r} is no name", status=404)
    return quote(name, safe="")
