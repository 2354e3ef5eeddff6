"""Property tests are the same in every run, and a busy machine does not fail them; ``nox -s fuzz`` draws anew."""

import os
import resource

from hypothesis import HealthCheck, settings

_PATIENT = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example]
_MOST_BYTES = 2**34  # of address space: a reader that asks for more asks for the whole machine

settings.register_profile(
    "harness", derandomize=True, deadline=None, database=None, suppress_health_check=_PATIENT
)
settings.load_profile("harness")
if os.environ.get("HARNESS_FUZZ_EXAMPLES"):
    settings.register_profile("fuzz", settings(derandomize=False, print_blob=True))
    settings.load_profile("fuzz")
    resource.setrlimit(resource.RLIMIT_AS, (_MOST_BYTES, resource.getrlimit(resource.RLIMIT_AS)[1]))
