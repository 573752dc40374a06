"""The client side of vSphere: log in, find, hold a lease, keep it alive, end it on every way out."""

from .._device_file import DeviceFile, Source
from ._address import VCenterAddress
from ._datastore import StoredImage
from ._describe import Descriptor, OvfFile
from ._keepalive import KeepAlive
from ._lease import HeldLease
from ._session import VSphere

__all__ = [
    "Descriptor",
    "DeviceFile",
    "HeldLease",
    "KeepAlive",
    "OvfFile",
    "Source",
    "StoredImage",
    "VCenterAddress",
    "VSphere",
]
