"""One fetch by the exporter, in a process of its own: URL, authority's file, target. Prints its cost as JSON."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from twohop.exporter.transfer import fetch
from twohop.exporter.vsphere import DeviceFile


def main(url: str, ca_file: str, target: str) -> None:
    """Fetch a disk as an export does: checked, digested, safe on disk."""
    cpu, wall = time.process_time(), time.monotonic()
    done = fetch(DeviceFile("disk", url, disk=True), Path(target), ca_file=Path(ca_file))
    print(json.dumps({"cpu": time.process_time() - cpu, "wall": time.monotonic() - wall, "size": done.size}))


if __name__ == "__main__":
    main(*sys.argv[1:])
