"""Fakes with one rule broken each, room by room; importing this module declares them all."""

from . import (
    descriptor_mutants,
    fault_mutants,
    host_mutants,
    import_mutants,
    lease_mutants,
    lock_mutants,
    login_mutants,
    manifest_mutants,
    read_mutants,
    task_mutants,
    update_mutants,
    url_mutants,
)
from .mutant import KILLS, MUTANTS, Mutant

__all__ = [
    "KILLS",
    "MUTANTS",
    "Mutant",
    "descriptor_mutants",
    "fault_mutants",
    "host_mutants",
    "import_mutants",
    "lease_mutants",
    "lock_mutants",
    "login_mutants",
    "manifest_mutants",
    "read_mutants",
    "task_mutants",
    "update_mutants",
    "url_mutants",
]
