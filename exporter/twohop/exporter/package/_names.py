"""File names that a server proposed, made safe: nothing is ever written outside the directory that the user chose."""

from __future__ import annotations

from collections.abc import Collection

LIMIT = 200
"""Bytes of a name in UTF-8; file systems take 255, and a suffix of ours has to fit."""

_FORBIDDEN = frozenset('/\\:*?"<>|')
_RESERVED = frozenset({"con", "prn", "aux", "nul", *(f"{p}{n}" for p in ("com", "lpt") for n in range(1, 10))})


def safe_name(proposed: str | None, fallback: str) -> str:
    """Return `proposed` as the name of one file in one directory, or `fallback` where nothing of it can stay.

    Slashes, drive letters, control and formatting characters, names of devices, leading dots and dashes, and more than
    200 bytes do not stay; the ending does. A name that has none of these comes back as it is.
    """
    name = "".join("_" if _bad(character) else character for character in proposed or "")
    name = name.lstrip(".- ").rstrip(". ")
    if name.partition(".")[0].strip().lower() in _RESERVED:
        name = f"_{name}"
    name = _shortened(name)
    return name if name.strip("_.- ") else fallback


def unique_name(name: str, taken: Collection[str]) -> str:
    """Return `name`, or `name-2` and so on before its ending, so that it is not in `taken` in any case of letters."""
    used = {each.casefold() for each in taken}
    candidate, number = name, 1
    while candidate.casefold() in used:
        number += 1
        stem, dot, ending = name.rpartition(".")
        tail = f"-{number}{dot}{ending}" if stem else f"-{number}"
        candidate = _cut(stem or name, LIMIT - len(tail.encode())) + tail
    return candidate


def _bad(character: str) -> bool:
    return character in _FORBIDDEN or not character.isprintable()


def _shortened(name: str) -> str:
    if len(name.encode()) <= LIMIT:
        return name
    stem, dot, ending = name.rpartition(".")
    tail = f"{dot}{ending}" if stem and len(ending.encode()) <= 16 else ""
    return _cut(stem if tail else name, LIMIT - len(tail.encode())).rstrip(". ") + tail


def _cut(text: str, size: int) -> str:
    return text.encode()[:size].decode("utf-8", "ignore")
