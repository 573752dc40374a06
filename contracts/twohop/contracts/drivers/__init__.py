"""Hypothesis state machines that drive a target as a client would, write a history and judge it."""

from ._broken import ContractBroken
from ._lease_machine import LeaseMachine
from ._steps import DRIVEN, LeaseDriver
from ._tour import TOUR
from .lease import drive, replay, survey

__all__ = ["DRIVEN", "TOUR", "ContractBroken", "LeaseDriver", "LeaseMachine", "drive", "replay", "survey"]
