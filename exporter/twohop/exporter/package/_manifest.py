"""The manifest of a package: one digest a line, spelled as vCenter accepts it (5.8)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from .._errors import BadPackage

_LINE = re.compile(r"(SHA1|SHA256|SHA512)\((.+)\) ?= ?([0-9a-fA-F]+)")
_DIGITS = {"SHA1": 40, "SHA256": 64, "SHA512": 128}


@dataclass(frozen=True, slots=True)
class ManifestEntry:
    """The digest of one file, in lower-case hex."""

    name: str
    digest: str
    algorithm: str = "SHA256"


def write_manifest(entries: Iterable[ManifestEntry]) -> bytes:
    """Return the manifest's text: `SHA256(name)= hex`, a line per file in the order given (5.8)."""
    lines = []
    for entry in entries:
        line = f"{entry.algorithm}({entry.name})= {entry.digest.lower()}"
        if parse_line(line) != replace(entry, digest=entry.digest.lower()):
            raise ValueError(f"a manifest cannot hold {entry!r}")
        lines.append(line + "\n")
    return "".join(lines).encode()


def parse_manifest(content: bytes) -> tuple[ManifestEntry, ...]:
    """Return the entries of a manifest; raise BadPackage for a line that vCenter would not accept either."""
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        raise BadPackage(f"the manifest is not UTF-8 ({error.reason} at byte {error.start})", whose="you") from None
    entries: dict[str, ManifestEntry] = {}
    for number, line in enumerate(re.split(r"\r?\n", text), 1):
        if not line.strip():
            continue
        entry = parse_line(line.rstrip())
        if entry is None:
            raise BadPackage(
                f"line {number} of the manifest is {line[:80]!r}, expected SHA256(name)= hex, with SHA1 or SHA512"
                " where it is one of those",
                whose="you",
            )
        if entry.name in entries:
            raise BadPackage(f"line {number} of the manifest names {entry.name!r} again", whose="you")
        entries[entry.name] = entry
    return tuple(entries.values())


def parse_line(line: str) -> ManifestEntry | None:
    """Return the entry of one line, or None where it is none."""
    match = _LINE.fullmatch(line)
    if match is None or len(match[3]) != _DIGITS[match[1]]:
        return None
    return ManifestEntry(match[2], match[3].lower(), match[1])
