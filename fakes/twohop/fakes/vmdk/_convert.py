"""Let qemu-img read the image formats that are not worth reading here."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path

from twohop.fakes.vmdk._errors import ImageError, ToolMissingError
from twohop.fakes.vmdk._source import ImageFile

__all__ = ["converted"]


def converted(path: Path, image_format: str) -> ImageFile:
    """Convert `path` into a raw file without a name, which goes when the last holder does.

    Raises ToolMissingError without qemu-img, ImageError if it refuses the image.
    """
    tool = shutil.which("qemu-img")
    if tool is None:
        raise ToolMissingError(
            f"{path} is a {image_format} image, which takes qemu-img to read: install it (Debian: qemu-utils) "
            "or convert the image to raw elsewhere"
        )
    with tempfile.TemporaryDirectory(prefix="twohop-disk-") as folder:
        raw = Path(folder) / "disk.raw"
        # The format is said, never probed: a raw disk could otherwise pose as an image with a backing file.
        command = [tool, "convert", "-f", image_format, "-O", "raw", str(path.absolute()), str(raw)]
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
        if done.returncode:
            raise ImageError(f"qemu-img cannot read {path} as {image_format}: {done.stderr.strip()}")
        return ImageFile(raw, shown=path)
