"""A path as the engine hands it on: it never looks behind one."""

from pathlib import Path as Where

__all__ = ["Where"]
