"""What can be wrong with a disk that a fake host is asked to serve.

All are `ValueError`: the world that names the disk is at fault, or the file it names, never the client that fetches it.
"""

from __future__ import annotations

__all__ = ["ContentError", "ImageError", "ToolMissingError", "VmdkError"]


class VmdkError(ValueError):
    """A disk cannot be described or served as asked."""


class ContentError(VmdkError):
    """The numbers that describe a disk do not go together (capacity, data, grain order)."""


class ImageError(VmdkError):
    """The file that should hold a disk cannot be read as one."""


class ToolMissingError(ImageError):
    """The file needs a program that this machine lacks."""
