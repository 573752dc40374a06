"""One device URL to verified bytes on disk: pinned, hashed, checked, fsynced, or not there at all."""

from ._fetch import Fetched, Into, Line, fetch, fetch_into

__all__ = ["Fetched", "Into", "Line", "fetch", "fetch_into"]
