"""Fakes with one rule broken each, room by room; importing this module declares them all."""

from . import fault_mutants, host_mutants, lease_mutants, lock_mutants, manifest_mutants, task_mutants, url_mutants
from .mutant import KILLS, MUTANTS, Mutant

__all__ = [
    "KILLS",
    "MUTANTS",
    "Mutant",
    "fault_mutants",
    "host_mutants",
    "lease_mutants",
    "lock_mutants",
    "manifest_mutants",
    "task_mutants",
    "url_mutants",
]
