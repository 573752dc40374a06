"""Managed object types as tables: which properties and methods the fake has, and where each comes from."""

from __future__ import annotations

import re
from collections import ChainMap
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from . import _faults as faults
from ._registry import VmomiSupport, coerce, has, properties_of, wsdl_class

if TYPE_CHECKING:
    from ._service import Call

Reader = Callable[["Call", Any], Any]
Handler = Callable[..., Any]
_KEYED = re.compile(r"^(\w+)\[(.+)\]$")

KINDS: dict[str, Kind] = {}
BY_CLASS: dict[type, Kind] = {}


@dataclass(frozen=True, slots=True)
class Method:
    """A method: what it does, and whether it may be called without a session."""

    handler: Handler
    anonymous: bool = False


class Kind:
    """A managed object type by its WSDL name; `of` is the class of the objects behind it."""

    def __init__(self, wsdl: str, parent: Kind | None = None, of: type | None = None) -> None:
        self.wsdl = wsdl
        self.parent = parent
        self.readers: ChainMap[str, Reader] = parent.readers.new_child() if parent else ChainMap()
        self.methods: ChainMap[str, Method] = parent.methods.new_child() if parent else ChainMap()
        KINDS[wsdl] = self
        if of is not None:
            BY_CLASS[of] = self

    def provides(self, *names: str) -> Callable[[Reader], Reader]:
        """Declare where properties come from: a function of the call and the object."""

        def declare(reader: Reader) -> Reader:
            for name in names:
                if name not in properties_of(self.wsdl):
                    raise LookupError(f"vim25 has no property {self.wsdl}.{name}")
                self.readers[name] = reader
            return reader

        return declare

    def method(self, name: str, *, anonymous: bool = False) -> Callable[[Handler], Handler]:
        """Declare what a method does: a function of the call, the object and the arguments by name."""

        def declare(handler: Handler) -> Handler:
            self.methods[name] = Method(handler, anonymous)
            return handler

        return declare

    @property
    def vim(self) -> Any:
        """pyVmomi's class of this type."""
        return wsdl_class(self.wsdl)

    def read(self, call: Call, obj: Any, path: str) -> Any:
        """Return a property by path, typed as declared; None where it is unset.

        Raises InvalidProperty where the type has no such property, and says so where only the fake has not.
        """
        head, _, rest = path.partition(".")
        keyed = _KEYED.match(head)
        name = keyed[1] if keyed else head
        info = properties_of(self.wsdl).get(name)
        if info is None or not has(call.version, info.version):
            raise faults.invalid_property(path)
        reader = self.readers.get(name)
        if reader is None:
            if info.optional:
                return None
            call.service.gap(f"property {self.wsdl}.{name}")
            raise faults.not_implemented(f"the property {self.wsdl}.{name}")
        value = coerce(info.type_name, reader(call, obj))
        if keyed:
            value = _by_key(value, keyed[2])
        return _walk(value, rest, path) if rest else value

    def readable(self) -> list[str]:
        """Return the names of the properties that the fake has."""
        return [name for name in properties_of(self.wsdl) if name in self.readers]


def _walk(value: Any, rest: str, path: str) -> Any:
    for step in rest.split("."):
        keyed = _KEYED.match(step)
        name = keyed[1] if keyed else step
        if value is None:
            return None
        if isinstance(value, list) or not isinstance(value, VmomiSupport.DataObject):
            raise faults.invalid_property(path)
        try:
            info = value._GetPropertyInfo(name)
        except (AttributeError, KeyError):
            raise faults.invalid_property(path) from None
        value = coerce(info.type, getattr(value, name))
        if isinstance(value, list) and not value:
            value = None
        if keyed:
            value = _by_key(value, keyed[2])
    return value


def _by_key(value: Any, key: str) -> Any:
    wanted = key.strip('"')
    for item in value or ():
        if str(getattr(item, "key", getattr(item, "_moId", None))) == wanted:
            return item
    return None
