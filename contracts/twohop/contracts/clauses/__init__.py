"""What must be true of any of the servers, one rule at a time; see `CLAUSES`."""

from ._clause import WORST_FIRST, Case, Clause, Finding, Verdict
from ._registry import CLAUSES, ROOMS, clause

__all__ = ["CLAUSES", "ROOMS", "WORST_FIRST", "Case", "Clause", "Finding", "Verdict", "clause"]
