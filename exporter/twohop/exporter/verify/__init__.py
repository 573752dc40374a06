"""Is a package whole, and what it says it is? Any OVF directory or OVA, ours or not."""

from ._finding import Finding, Level, Report
from ._verify import Seen, verify_package

__all__ = ["Finding", "Level", "Report", "Seen", "verify_package"]
