"""Files of a datastore over HTTPS, as libvirt reads a machine's configuration."""

from ._app import PREFIX, DatastoreApp

__all__ = ["PREFIX", "DatastoreApp"]
