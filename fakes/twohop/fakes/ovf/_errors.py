"""What is wrong with a package, by the fault that a server tells it with (the OvfFault family of the API)."""

from __future__ import annotations

from typing import Any


class PackageError(ValueError):
    """A descriptor that nothing can be made from; `fault` is the type of the API's fault, `fields` are its fields."""

    def __init__(self, fault: str, message: str, row: Any = None, **fields: Any) -> None:
        super().__init__(message)
        self.fault = fault
        line = getattr(row, "sourceline", None)
        self.fields = {"lineNumber": line or 0, **fields}


def missing_element(name: str, message: str, row: Any = None) -> PackageError:
    """An element that has to be there is not."""
    return PackageError("OvfMissingElement", message, row, name=name)


def missing_attribute(element: str, attribute: str, message: str, row: Any = None) -> PackageError:
    """An attribute that has to be there is not."""
    return PackageError("OvfMissingAttribute", message, row, elementName=element, attributeName=attribute)


def wrong_value(element: str, attribute: str, value: str, message: str, row: Any = None) -> PackageError:
    """The value of an attribute does not have its form."""
    fields = {"elementName": element, "attributeName": attribute, "value": value}
    return PackageError("OvfInvalidValueFormatMalformed", message, row, **fields)


def wrong_reference(element: str, attribute: str, value: str, message: str, row: Any = None) -> PackageError:
    """A value names something that is not in the package."""
    fields = {"elementName": element, "attributeName": attribute, "value": value}
    return PackageError("OvfInvalidValueReference", message, row, **fields)


def wrong_element(name: str, value: str, message: str, row: Any = None) -> PackageError:
    """The value of an element is none that it may have."""
    return PackageError("OvfElementInvalidValue", message, row, name=name, value=value)
