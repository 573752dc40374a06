"""Driving the steps of an export: do what they yield, send back the result, throw in what went wrong."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from ._actions import Action, Steps

R = TypeVar("R")
Perform = Callable[[Action[Any]], Any]
"""Does one action and returns its result, or raises."""


def run(steps: Steps[R], perform: Perform, check: Callable[[], None]) -> R:
    """Drive `steps` to their end and return what they give, or raise what they raise.

    `check` raises where somebody wishes to stop; it is asked before every action but those that a way out needs.
    """
    result: Any = None
    error: BaseException | None = None
    while True:
        try:
            action = steps.send(result) if error is None else steps.throw(error)
        except StopIteration as end:
            value: R = end.value
            return value
        result = error = None
        try:
            if not action.ends:
                check()
            result = perform(action)
        except BaseException as raised:
            error = raised
