"""OVF descriptors: written as a server writes them, and read as what a world is built from."""

from ._descriptor import describe
from ._dialect import Dialect, dialect_of
from ._files import DescribedFile
from ._reading import read_descriptor

__all__ = ["DescribedFile", "Dialect", "describe", "dialect_of", "read_descriptor"]
