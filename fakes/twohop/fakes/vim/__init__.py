"""The vSphere API over SOAP, on pyVmomi's own type registry; one file per managed object under `objects`."""

from . import objects
from ._app import VimApp
from ._recorded import build_recorded
from ._service import Service

__all__ = ["Service", "VimApp", "build_recorded", "objects"]
