"""OVF descriptors: written as a server writes them, and read as what a world is built from."""

from ._descriptor import describe
from ._dialect import EARLY_VCENTER, ESX, VCENTER, Dialect
from ._files import DescribedFile
from ._reading import read_descriptor

__all__ = ["EARLY_VCENTER", "ESX", "VCENTER", "DescribedFile", "Dialect", "describe", "read_descriptor"]
