"""What every room of the tests needs."""

from __future__ import annotations

from hypothesis import settings

# No test is timed: a busy machine is no defect.
settings.register_profile("twohop", deadline=None)
settings.load_profile("twohop")
