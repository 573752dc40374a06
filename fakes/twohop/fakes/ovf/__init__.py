"""OVF descriptors as a server writes them."""

from ._descriptor import DescribedFile, describe

__all__ = ["DescribedFile", "describe"]
