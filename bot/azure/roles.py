"""The built-in roles that the bot's identities need ("Role-based access control for Azure Batch")."""

from __future__ import annotations

READER = "Azure Batch Account Reader (11076f67-66f6-4be0-8f6b-f0609fd05cc9)"
"""Reads both planes: all that watching needs."""
SUBMITTER = "Azure Batch Job Submitter (48e5e92e-a480-4e71-aa9c-2778f4c13781)"
"""Writes jobs, tasks and schedules, and reads pools."""
CONTRIBUTOR = "Azure Batch Data Contributor (6aaa78f1-f7de-44ca-8722-c64a23943cae)"
"""The smallest that may write pools, jobs, schedules, applications and certificates."""
OWNER = "Azure Batch Account Contributor (29fe4964-1e60-436b-bd3a-77fd4c178b3c)"
"""The one that may also make and delete accounts, and regenerate their keys."""
MONITORING_READER = "Monitoring Reader (43d0d8ad-25c7-4714-9337-8ba259a9fe05)"
"""Reads metrics of Azure Monitor; it is not needed for anything else."""
