"""How many examples property tests try: 200 by default, 10,000 with ``--hypothesis-profile=check``."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

_SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example]
settings.register_profile("quick", max_examples=200, deadline=None, suppress_health_check=_SLOW)
settings.register_profile("check", max_examples=10_000, deadline=None, suppress_health_check=_SLOW)
settings.load_profile("quick")
