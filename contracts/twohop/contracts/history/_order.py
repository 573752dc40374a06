"""What came before what, as far as observers can know.

Exchanges are numbered in the order in which they ended, and carry the times of the world's clock, which may stand still
while several things happen. Two exchanges on one connection never overlap; others may.

A rule is put to the test only where the order it speaks of is certain: a ground must be `surely_before`, an excuse need
only be `maybe_before`.
"""

from __future__ import annotations

from twohop.runtime.observing import Exchange


def surely_before(first: Exchange, second: Exchange) -> bool:
    """Tell whether `first` was answered before `second` was asked, beyond doubt."""
    return first.id < second.id and (first.conn.id == second.conn.id or first.t1 < second.t0)


def maybe_before(first: Exchange, second: Exchange) -> bool:
    """Tell whether `first` can have taken effect before `second` did."""
    return not surely_before(second, first)


def seemingly_before(first: Exchange, second: Exchange) -> bool:
    """Tell whether `first` ended before `second`, on a clock that does not contradict it.

    Weaker than `surely_before`: on a clock that stands still it takes the order of endings for the order of things.
    """
    return first.id < second.id and first.t1 <= second.t0
