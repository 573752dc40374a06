"""The vSphere API over SOAP, on pyVmomi's own type registry; one file per managed object under `objects`."""

from . import objects
from ._app import VimApp
from ._recorded import build_recorded
from ._service import Service
from ._vocabulary import listen

__all__ = ["Service", "VimApp", "build_recorded", "listen", "objects"]
