"""Hypothesis state machines that drive a target as a client would, write a history and judge it."""

from ._broken import ContractBroken
from ._cell_steps import CELL_DRIVEN, CellDriver
from ._cell_tour import CELL_TOUR
from ._lease_machine import LeaseMachine
from ._steps import DRIVEN, LeaseDriver
from ._tour import TOUR
from .cell import CellMachine, drive_cell, replay_cell, survey_cell
from .lease import drive, replay, survey

__all__ = [
    "CELL_DRIVEN",
    "CELL_TOUR",
    "DRIVEN",
    "TOUR",
    "CellDriver",
    "CellMachine",
    "ContractBroken",
    "LeaseDriver",
    "LeaseMachine",
    "drive",
    "drive_cell",
    "replay",
    "replay_cell",
    "survey",
    "survey_cell",
]
