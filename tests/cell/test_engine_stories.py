"""Stories of exports, downloads and time, as Hypothesis tells them, against an engine on a clock that stands still."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, multiple, rule

from cell.support import DISK, VM, Bench, MadeUpSource, Trouble
from twohop.exporter.cell.engine import DEFAULT, IDENTITY, Download, LinkDead, WrongState
from twohop.exporter.cell.engine._spool import MARK

EXPIRY = REAPER = 3600.0


class Stories(RuleBasedStateMachine):
    """One vApp; the model knows when its link was last alive and who is reading."""

    reading = Bundle("reading")

    def __init__(self) -> None:
        super().__init__()
        self.home = Path(tempfile.mkdtemp(prefix="twohop-stories-"))
        self.source = MadeUpSource()
        self.bench = Bench(self.home, source=self.source)
        self.engine, self.vapp = self.bench.engine, self.bench.entity()
        self.readers: dict[Download, str] = {}
        self.alive_until: float | None = None

    def teardown(self) -> None:
        for download in list(self.readers):
            download.close(0)
        self.bench.__exit__()
        shutil.rmtree(self.home)

    @property
    def now(self) -> float:
        return self.bench.clock.now()

    @rule(fails=st.booleans(), power=st.sampled_from(["poweredOff", "poweredOff", "poweredOn"]))
    def enable(self, fails: bool, power: str) -> None:
        def fail(vm: str) -> None:
            raise Trouble("the test pulled the plug")

        self.source.powers[VM] = power  # type: ignore[assignment]
        self.source.after = fail if fails else lambda vm: None
        before, had = self.engine.link(self.vapp), len(self.source.pulled)
        try:
            task = self.engine.enable(self.vapp, "administrator")
        except WrongState:
            assert power == "poweredOn"
            return
        assert power == "poweredOff"
        self.engine.settle()
        again = before is not None
        assert self.bench.state(task.id) == ("error" if fails and not again else "success")
        assert len(self.source.pulled) == had + (not fails and not again)
        if again or not fails:
            self.alive_until = self.now + EXPIRY

    @rule()
    def disable(self) -> None:
        self.engine.disable(self.vapp)
        self.alive_until = None
        self.readers = dict.fromkeys(self.readers, "")

    @rule(target=reading, name=st.sampled_from([DEFAULT, IDENTITY]))
    def begin(self, name: str):  # type: ignore[no-untyped-def]
        link = self.engine.link(self.vapp)
        if link is None:
            return multiple()
        download = self.engine.open(link.id, name, "user")
        self.readers[download] = link.id
        self.alive_until = self.now + EXPIRY
        return download

    @rule(download=consumes(reading))
    def end(self, download: Download) -> None:
        data = download.file.read()
        assert data is not None
        assert data.endswith(b"Envelope>\n") or data.endswith(b"Envelope>")
        download.close(len(data))
        if self.readers.pop(download) and self.alive_until is not None:
            self.alive_until = self.now + EXPIRY

    @rule(seconds=st.one_of(st.sampled_from([1.0, 3599.0, 3600.0, 7200.0, 86400.0]), st.floats(0, 10000)))
    def advance(self, seconds: float) -> None:
        self.bench.clock.advance(seconds)

    @rule()
    def nobody_comes(self) -> None:
        if any(self.readers.values()):
            return
        self.bench.clock.advance(EXPIRY + REAPER)
        self.alive_until = None
        assert self.bench.listing() == []

    @invariant()
    def the_link_lives_exactly_as_long_as_it_should(self) -> None:
        link, held = self.engine.link(self.vapp), any(self.readers.values())
        if self.alive_until is not None and (held or self.now < self.alive_until):
            assert link is not None
        else:
            assert link is None
            self.alive_until = None

    @invariant()
    def a_link_stands_for_a_whole_package(self) -> None:
        link = self.engine.link(self.vapp)
        if link is None:
            return
        stored = {path.name: path.stat().st_size for path in (self.bench.root / link.id).iterdir()}
        assert stored.pop(MARK) > 0
        assert stored == link.files
        assert len(DISK) in stored.values()

    @invariant()
    def a_dead_link_is_dead(self) -> None:
        for transfer in set(self.engine._transfers.of_entity(self.vapp.id)):
            link = self.engine.link(self.vapp)
            if link is None or link.id != transfer:
                try:
                    self.engine.open(transfer, DEFAULT, "user")
                except LinkDead:
                    continue
                raise AssertionError("a GET of a dead link began")


Stories.TestCase.settings = settings(max_examples=30, stateful_step_count=25, deadline=None)
TestStories = Stories.TestCase
