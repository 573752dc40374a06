"""The disks of a fake ESXi host: what they hold, and the streamOptimized VMDK that carries it (7).

`SeededContent` and `FileContent` say what a disk holds, `LayeredContent` what is left of it under the writes of later
days; `stream` writes it as a host sends it.
"""

from twohop.fakes.vmdk._content import GRAIN_BYTES, SECTOR, Deflated, DiskContent
from twohop.fakes.vmdk._errors import ContentError, ImageError, ToolMissingError, VmdkError
from twohop.fakes.vmdk._file import FileContent
from twohop.fakes.vmdk._intake import Intake, received
from twohop.fakes.vmdk._layered import Layer, LayeredContent
from twohop.fakes.vmdk._seeded import SeededContent
from twohop.fakes.vmdk._stream import stream, stream_size

__all__ = [
    "GRAIN_BYTES",
    "SECTOR",
    "ContentError",
    "Deflated",
    "DiskContent",
    "FileContent",
    "ImageError",
    "Intake",
    "Layer",
    "LayeredContent",
    "SeededContent",
    "ToolMissingError",
    "VmdkError",
    "received",
    "stream",
    "stream_size",
]
