"""OVF descriptors as a server writes them."""

from ._descriptor import describe
from ._files import DescribedFile

__all__ = ["DescribedFile", "describe"]
