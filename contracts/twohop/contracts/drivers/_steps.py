"""All steps; importing this module declares them."""

from . import _byte_steps, _descriptor_steps, _import_steps, _lease_steps, _machine_steps, _query_steps
from ._driver import DRIVEN, STEPS, LeaseDriver, Step

__all__ = [
    "DRIVEN",
    "STEPS",
    "LeaseDriver",
    "Step",
    "_byte_steps",
    "_descriptor_steps",
    "_import_steps",
    "_lease_steps",
    "_machine_steps",
    "_query_steps",
]
