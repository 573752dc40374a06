"""What a request's values look like on the wire, where pyVmomi asks Python and not XML Schema.

To Python `1_0` is ten and `mro` an attribute of every class, enumerations among them; and what an object must have and
has not is zero or empty.
"""

from __future__ import annotations

import re
from collections.abc import Set
from functools import cache
from typing import Any

from ._registry import SoapAdapter, VmomiSupport, vmodl

_INTEGER = re.compile(r"[ \t\r\n]*[+-]?[0-9]{1,40}[ \t\r\n]*", re.ASCII)
_DECIMAL = re.compile(r"[ \t\r\n]*(?:[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?|-?INF|NaN)[ \t\r\n]*")
_WORDS = 400
"""Characters of a number beyond which nobody reads on."""


def check_text(kind: Any, text: str) -> None:
    """Raise ValueError where the text is no value of a simple type; ids, texts and moments are left alone."""
    if issubclass(kind, VmomiSupport.Enum):
        if text not in kind.values:
            raise ValueError(f"{text[:40]!r} is no {VmomiSupport.GetWsdlName(kind)}")
    elif issubclass(kind, int) and kind is not bool:
        bits = _BITS.get(kind, 32)
        if not _INTEGER.fullmatch(text) or not -(1 << bits - 1) <= int(text) < 1 << bits - 1:
            raise ValueError(f"{text[:40]!r} is no {bits}-bit integer")
    elif issubclass(kind, float) and (len(text) > _WORDS or not _DECIMAL.fullmatch(text)):
        raise ValueError(f"{text[:40]!r} is no number")


_BITS: dict[Any, int] = {VmomiSupport.byte: 8, VmomiSupport.short: 16, VmomiSupport.long: 64}


def missing_from(kind: Any, given: Set[str]) -> str | None:
    """Return the first property that an object of a type must have and that is not among those given; None for none."""
    return next((name for name in _required(kind) if name not in given), None)


@cache
def _required(kind: Any) -> tuple[str, ...]:
    # A fault that a client makes up is taken in whatever form it comes (1.4).
    if issubclass(kind, vmodl.MethodFault | SoapAdapter.LocalizedMethodFault):
        return ()
    return tuple(
        info.name
        for info in kind._GetPropertyList()
        if not info.flags & VmomiSupport.F_OPTIONAL
        and not issubclass(info.type, list)
        # What a type was given later, clients of its first version do not know.
        and VmomiSupport.IsChildVersion(kind._version, info.version)
    )
