"""Compare a disk stream's grain tables with its grains, whichever of the two comes first.

To keep every grain's place would cost 4 bytes a grain. A sum does as well against mistakes (not against an enemy, who
would change the grains themselves): each grain adds (its number + 1) x the sector it stands at, each table entry the
same, so that a lost, moved, swapped or doubled entry shows. Memory: 16 bytes for each grain table.
"""

from __future__ import annotations

import sys
from array import array
from operator import mul
from typing import Final

__all__ = ["GT_BYTES", "GT_ENTRIES", "TableLedger", "words"]

GT_ENTRIES: Final = 512
GT_BYTES: Final = 4 * GT_ENTRIES
_NUMBERS = range(1, GT_ENTRIES + 1)


def words(data: bytes) -> array[int]:
    """Read little-endian 32-bit words."""
    read = array("I", data)
    if sys.byteorder == "big":
        read.byteswap()
    return read


class TableLedger:
    """Sum up grains on one side, table entries on the other.

    `grains` and `grain_sum` are public because the reader adds to them for each grain of a download.
    """

    def __init__(self) -> None:
        """Begin with neither grains nor tables."""
        self.grains = 0
        self.grain_sum = 0
        self.entries = 0
        self._entry_sum = 0
        self.tables = array("I")  # sector of each table that came before its directory
        self._table_sums = array("Q")

    def add_table(self, table: bytes, index: int) -> None:
        """Take a table whose `index` in the directory is known."""
        plain = self._count(table)
        self._entry_sum += index * GT_ENTRIES * plain

    def add_table_before_directory(self, table: bytes, sector: int) -> None:
        """Take a table that stands at `sector`, whose index the directory will tell."""
        self.tables.append(sector)
        self._table_sums.append(self._count(table))

    def _count(self, table: bytes) -> int:
        """Sum up a table as if it were the first; give the plain sum of its entries, by which it moves up."""
        entries = words(table)
        self.entries += GT_ENTRIES - entries.count(0)
        self._entry_sum += sum(map(mul, entries, _NUMBERS))
        return sum(entries)

    def add_directory(self, directory: array[int]) -> bool:
        """Take the directory; tell whether it names exactly the tables that came, in their order."""
        named = [(index, sector) for index, sector in enumerate(directory) if sector]
        if array("I", (sector for _, sector in named)) != self.tables:
            return False
        for (index, _), table_sum in zip(named, self._table_sums, strict=True):
            self._entry_sum += index * GT_ENTRIES * table_sum
        return True

    def balanced(self) -> bool:
        """Tell whether the tables name the grains that came, each at its place."""
        return (self.grains, self.grain_sum) == (self.entries, self._entry_sum)
