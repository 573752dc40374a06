"""What every mutant is made with: a name, one broken rule, and ways to break it."""

from __future__ import annotations

import re
from collections.abc import Callable
from types import MappingProxyType
from typing import Any

import pytest

from twohop.contracts.targets import FakeTarget
from twohop.fakes.machines import LeaseInput, LeaseState, _lease
from twohop.fakes.vim import _app
from twohop.fakes.vim._kinds import KINDS

Mutant = Callable[[pytest.MonkeyPatch, FakeTarget], None]
MUTANTS: dict[str, Mutant] = {}
KILLS: dict[str, frozenset[str]] = {}
"""The clauses that are there to kill each mutant; others may well kill it too."""

UUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"


def killed_by(*clauses: str) -> Callable[[Mutant], Mutant]:
    """Declare a mutant; what is wrong with it is its docstring."""

    def declare(breaks: Mutant) -> Mutant:
        MUTANTS[breaks.__name__] = breaks
        KILLS[breaks.__name__] = frozenset(clauses)
        return breaks

    return declare


def row(patch: pytest.MonkeyPatch, state: LeaseState, given: LeaseInput, target: Any) -> None:
    """Change one row of the lease's table."""
    patch.setattr(_lease, "TABLE", MappingProxyType({**_lease.TABLE, (state, given): target}))


def answers(patch: pytest.MonkeyPatch, change: Callable[[str, str], str]) -> None:
    """Change the text of answers: `change` is given the method's name and the envelope."""
    honest = _app.serialize_result

    def changed(method: Any, value: Any, version: str) -> bytes:
        return change(method.wsdlName, honest(method, value, version).decode()).encode()

    patch.setattr(_app, "serialize_result", changed)


def rewritten(patch: pytest.MonkeyPatch, pattern: str, by: str | Callable[[re.Match[str]], str]) -> None:
    """Change every answer by a regular expression."""
    answers(patch, lambda method, text: re.sub(pattern, by, text, flags=re.DOTALL))


def method(patch: pytest.MonkeyPatch, kind: str, name: str, around: Callable[..., Any]) -> None:
    """Put `around` in the place of a method; it is given the honest one, the call, the object and the arguments."""
    honest = KINDS[kind].methods[name]
    patch.setitem(KINDS[kind].methods, name, lambda call, obj, **given: around(honest, call, obj, **given))


def reader(patch: pytest.MonkeyPatch, kind: str, name: str, around: Callable[..., Any]) -> None:
    """Put `around` in the place of a property; it is given the honest reader, the call and the object."""
    honest = KINDS[kind].readers[name]
    patch.setitem(KINDS[kind].readers, name, lambda call, obj: around(honest, call, obj))
