"""Which marker may follow which in a streamOptimized disk, and how a stream can break the rules (7.2, 7.6).

Two kinds of stream exist. One that a host sends cannot know where its tables will be, so they follow the grains: each
grain table after its grains, then the directory, then a footer, which repeats the header with the directory's place,
then the end of the stream. One written to a file may have its tables in front, between header and grains; then
nothing but grains follows, and the end marker is often left out. A third writes tables behind and patches the header
afterwards: it needs no footer.
"""

from __future__ import annotations

from enum import Enum
from typing import Final

__all__ = ["ORDER", "Mark", "Place", "Rule", "StreamFault"]


class Place(Enum):
    """Where in a stream the reader is, between two markers."""

    GRAINS = "among the grains, tables and footer to come"
    LISTED = "among the grains, tables already seen"
    PATCHED = "among the grains, tables to come where the header says"
    DIRECTORY = "behind the grain directory, footer to come"
    PATCHED_DIRECTORY = "behind the grain directory that the header names"
    FOOTER = "behind the footer"
    ENDED = "behind the end of the stream"


class Mark(Enum):
    """What a marker announces. The values are those of the type field; a grain has a size in its place."""

    EOS = 0
    GT = 1
    GD = 2
    FOOTER = 3
    GRAIN = -1


# ENDED is terminal: nothing may follow it.
ORDER: Final[dict[tuple[Place, Mark], Place]] = {
    (Place.GRAINS, Mark.GRAIN): Place.GRAINS,
    (Place.GRAINS, Mark.GT): Place.GRAINS,
    (Place.GRAINS, Mark.GD): Place.DIRECTORY,
    (Place.DIRECTORY, Mark.FOOTER): Place.FOOTER,
    (Place.FOOTER, Mark.EOS): Place.ENDED,
    (Place.LISTED, Mark.GRAIN): Place.LISTED,
    (Place.LISTED, Mark.EOS): Place.ENDED,
    (Place.PATCHED, Mark.GRAIN): Place.PATCHED,
    (Place.PATCHED, Mark.GT): Place.PATCHED,
    (Place.PATCHED, Mark.GD): Place.PATCHED_DIRECTORY,
    (Place.PATCHED_DIRECTORY, Mark.FOOTER): Place.FOOTER,
    (Place.PATCHED_DIRECTORY, Mark.EOS): Place.ENDED,
}


class Rule(Enum):
    """The rule of the format that a stream broke first."""

    MAGIC = "magic"
    """The first four bytes are not KDMV: not a VMDK extent at all."""
    FORMAT = "format"
    """A VMDK, but not streamOptimized: grains not deflated or without markers."""
    HEADER = "header"
    """The header contradicts itself or asks for more than any disk has."""
    ORDER = "order"
    """A marker of unknown kind, or where it may not stand."""
    GRAIN = "grain"
    """A grain outside the disk, not behind the one before, or of an impossible length."""
    TABLE = "table"
    """Grain tables or directory do not name the grains that came."""
    FOOTER = "footer"
    """The footer is not the header with the directory's place."""
    DEFLATE = "deflate"
    """A grain does not inflate to its 64 KiB."""
    TRUNCATED = "truncated"
    """The bytes end before the stream does (7.6)."""
    TRAILING = "trailing"
    """Bytes follow the end of the stream."""


class StreamFault(ValueError):
    """A disk stream broke a rule of its format: the sender's fault, or the connection's.

    `rule` is the first rule broken, `offset` the byte of the stream at which that showed.
    """

    def __init__(self, rule: Rule, offset: int, expected: str, came: str) -> None:
        """Say what was expected and what came instead."""
        self.rule = rule
        self.offset = offset
        if rule is Rule.TRUNCATED:
            remedy = "the sender or the connection stopped early: fetch the disk again under a new lease"
        else:
            remedy = "the sender's stream is no valid streamOptimized disk: fetch it again, and report it if it recurs"
        super().__init__(f"disk stream, byte {offset}: expected {expected}, got {came} ({rule.value}); {remedy}")
