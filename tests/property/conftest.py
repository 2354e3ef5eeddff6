"""Property tests are the same in every run, and a busy machine does not fail them."""

from hypothesis import HealthCheck, settings

settings.register_profile(
    "harness", derandomize=True, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("harness")
