"""Managed object types as tables: which properties and methods the fake has, and where each comes from."""

from __future__ import annotations

import re
from collections import ChainMap
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

from . import _faults as faults
from ._guard import check_read, seen_of
from ._planned import read_planned
from ._registry import VmomiSupport, coerce, has, properties_of, type_named, wsdl_class

if TYPE_CHECKING:
    from ._service import Call

Reader = Callable[["Call", Any], Any]
Handler = Callable[..., Any]
_KEYED = re.compile(r"^(\w+)\[(.+)\]$")

KINDS: dict[str, Kind] = {}
BY_CLASS: dict[type, Kind] = {}


class Kind:
    """A managed object type by its WSDL name; `of` is the class of the objects behind it."""

    def __init__(self, wsdl: str, parent: Kind | None = None, of: type | None = None) -> None:
        self.wsdl = wsdl
        self.parent = parent
        self.readers: ChainMap[str, Reader] = parent.readers.new_child() if parent else ChainMap()
        self.methods: ChainMap[str, Handler] = parent.methods.new_child() if parent else ChainMap()
        self.shorts: ChainMap[str, Reader] = parent.shorts.new_child() if parent else ChainMap()
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

    def shortens(self, path: str) -> Callable[[Reader], Reader]:
        """Declare how a value within a property is had without all of the property; it must be the same value."""

        def declare(reader: Reader) -> Reader:
            self.shorts[path] = reader
            return reader

        return declare

    def method(self, name: str) -> Callable[[Handler], Handler]:
        """Declare what a method does: a function of the call, the object and the arguments by name."""

        def declare(handler: Handler) -> Handler:
            self.methods[name] = handler
            return handler

        return declare

    @property
    def vim(self) -> Any:
        """pyVmomi's class of this type."""
        return wsdl_class(self.wsdl)

    def read(self, call: Call, obj: Any, path: str) -> Any:
        """Return a property by path, typed as declared; None where it is unset.

        Raises InvalidProperty where the type has no such property, NotAuthenticated or NoPermission where the caller
        may not read it, and says so where only the fake has not.
        """
        head, _, rest = path.partition(".")
        keyed = _KEYED.match(head)
        name = keyed[1] if keyed else head
        info = properties_of(self.wsdl).get(name)
        if info is None or not has(call.version, info.version):
            raise faults.invalid_property(path)
        check_read(call, obj, info)
        if call.service.faults.rules and call.service.faults.at("read") and read_planned(call, obj, self.wsdl, path):
            return None
        given = call.service.given.get(obj.moid)
        if given is None and (short := self.shorts.get(path)) is not None:
            return short(cast("Call", call.watched), obj)
        reader = self.readers.get(name)
        if reader is None and not info.optional:
            call.service.gap(f"property {self.wsdl}.{name}")
            call.watched.pure = False
            raise faults.not_implemented(f"the property {self.wsdl}.{name}")
        value = None if reader is None else coerce(info.type_name, reader(cast("Call", call.watched), obj))
        if given is not None and given.gives(name):
            value = coerce(info.type_name, given.over(call.service.vocabulary, self.wsdl, name, value))
        value = None if value is None else seen_of(call, value)
        declared = type_named(info.type_name)
        if keyed:
            value, declared = _by_key(value, keyed[2]), getattr(declared, "Item", declared)
        return _walk(call, value, declared, rest, path) if rest else value

    def readable(self, version: str | None = None) -> list[str]:
        """Return the names of the properties that the fake has, and that a version of the API knows."""
        table = properties_of(self.wsdl)
        known = (name for name, info in table.items() if version is None or has(version, info.version))
        return [name for name in known if name in self.readers]


def _walk(call: Call, value: Any, declared: Any, rest: str, path: str) -> Any:
    for step in rest.split("."):
        keyed = _KEYED.match(step)
        name = keyed[1] if keyed else step
        # Where nothing is set the declared type still tells which paths there are.
        owner: Any = declared if value is None else type(value)
        if not issubclass(owner, VmomiSupport.DataObject):
            raise faults.invalid_property(path)
        try:
            info = owner._GetPropertyInfo(name)
        except (AttributeError, KeyError):
            raise faults.invalid_property(path) from None
        if not has(call.version, info.version):
            raise faults.invalid_property(path)
        value = None if value is None else coerce(info.type, getattr(value, name))
        if isinstance(value, list) and not value:
            value = None
        declared = info.type
        if keyed:
            value, declared = _by_key(value, keyed[2]), getattr(declared, "Item", declared)
    return value


def _by_key(value: Any, key: str) -> Any:
    wanted = key.strip('"')
    for item in value or ():
        if str(getattr(item, "key", getattr(item, "_moId", None))) == wanted:
            return item
    return None
