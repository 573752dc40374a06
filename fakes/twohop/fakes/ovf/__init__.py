"""OVF descriptors: written as a server writes them, and read as what a world is built from."""

from ._descriptor import describe
from ._dialect import Dialect, dialect_of
from ._errors import PackageError, missing_attribute
from ._files import DescribedFile
from ._names import OVF
from ._reading import parse_envelope, read_descriptor, read_envelope

__all__ = [
    "OVF",
    "DescribedFile",
    "Dialect",
    "PackageError",
    "describe",
    "dialect_of",
    "missing_attribute",
    "parse_envelope",
    "read_descriptor",
    "read_envelope",
]
