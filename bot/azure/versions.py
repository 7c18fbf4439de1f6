"""The api-versions that are spoken."""

from __future__ import annotations

API_VERSION = "2025-06-01"
"""Of both planes of Batch, as the SDK's clients speak it."""
CERTIFICATES_VERSION = "2024-07-01.20.0"
"""The last api-version of the data plane that has certificates."""
RESOURCES_VERSION = "2021-04-01"
"""Of resource groups and resource providers (Microsoft.Resources)."""
STORAGE_VERSION = "2023-01-01"
"""Of storage accounts (Microsoft.Storage)."""
