"""Making a failing program shorter, step by step; Hypothesis can only leave out whole rules."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ._broken import ContractBroken, Step

Replay = Callable[[Sequence[Step]], object]


def shortest(replay: Replay, broken: ContractBroken) -> ContractBroken:
    """Leave out every step that the failure does without; `replay` runs a program and fails as the driver did."""
    length = len(broken.program) + 1
    # What could not be spared while another step was there may be spared without it.
    while len(broken.program) < length:
        length = len(broken.program)
        broken = _shorter(replay, broken)
    return broken


def _shorter(replay: Replay, broken: ContractBroken) -> ContractBroken:
    place = 0
    while place < len(broken.program):
        shorter = (*broken.program[:place], *broken.program[place + 1 :])
        try:
            replay(shorter)
        except ContractBroken as again:
            if again.clauses == broken.clauses and bool(again.surprises) == bool(broken.surprises):
                broken = again
                continue
        place += 1
    return broken
