"""The standing account of the commands' tests."""

from tests.handlers.conftest import scene

__all__ = ["scene"]
