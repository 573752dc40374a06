"""One device URL to verified bytes on disk: pinned, hashed, checked, fsynced, or not there at all."""

from ._fetch import Fetched, fetch

__all__ = ["Fetched", "fetch"]
