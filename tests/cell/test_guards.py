"""Trouble in a timer or in a thread's start stays there: the clock goes on, and so does the cell."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError

from cell.support import Bench

LOCKED = OperationalError("UPDATE", {}, Exception("database is locked"))


def faults(bench: Bench) -> list[str]:
    return [entry["what"] for entry in bench.journal.entries(kind="fault")]


@contextmanager
def broken(monkeypatch: pytest.MonkeyPatch, where: Any, name: str, error: Exception) -> Iterator[None]:
    def fail(*_: Any, **__: Any) -> None:
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(where, name, fail)
        yield


def test_an_idle_timer_that_fails_is_told_and_runs_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Bench(tmp_path, reaper_s=100_000) as bench:
        bench.export()
        link = bench.engine.link(bench.entity())
        assert link is not None
        with broken(monkeypatch, bench.store, "change", LOCKED):
            bench.clock.advance(3600)
        assert faults(bench) == ["the end of an idle link was not written down: OperationalError; tried again"]
        assert link.id not in bench.journal.ndjson()
        assert '"after": "expired"' not in bench.journal.ndjson()
        bench.clock.advance(60)
        assert '"after": "expired"' in bench.journal.ndjson()


def test_a_timer_that_fails_when_the_cell_has_closed_comes_no_more(tmp_path: Path) -> None:
    with Bench(tmp_path, reaper_s=100_000) as bench:
        bench.export()
        link = bench.engine.link(bench.entity())
        assert link is not None
    bench.engine._transfers._on_idle(link.id)
    told = len(faults(bench))
    bench.clock.advance(86400)
    assert len(faults(bench)) == told


@pytest.mark.parametrize("error", [LOCKED, NotADirectoryError(20, "Not a directory"), RuntimeError("oh")])
def test_a_round_of_the_reaper_that_fails_is_told_and_the_next_one_comes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    with Bench(tmp_path, url_expiry_s=2700) as bench:
        bench.export()
        with broken(monkeypatch, bench.engine._spool, "look", error):
            bench.clock.advance(3600)
        (told,) = faults(bench)
        assert told.startswith("the reaper's round ended early: ")
        bench.clock.advance(3600)
        assert bench.listing() == []


def test_an_export_whose_thread_cannot_start_fails_and_hinders_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Bench(tmp_path) as bench:
        error = RuntimeError("can't start new thread")
        with broken(monkeypatch, threading.Thread, "start", error), pytest.raises(RuntimeError, match="new thread"):
            bench.engine.enable(bench.entity(), "administrator")
        assert bench.engine.tasks_of(bench.entity()) == []
        bench.engine.settle()
        assert bench.state(bench.export()) == "success"


def test_settling_never_joins_a_thread_that_does_not_run_yet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    start = threading.Thread.start
    outcome: list[BaseException | None] = []

    def slow(thread: threading.Thread) -> None:
        if thread.name.endswith("-export"):
            monkeypatch.setattr(threading.Thread, "start", start)
            settling = threading.Thread(target=settle)
            settling.start()
            # Long enough for one that does not wait for the lock; one that does waits until the thread runs.
            settling.join(0.5)
            waiting.append(settling)
        start(thread)

    def settle() -> None:
        try:
            bench.engine.settle()
            outcome.append(None)
        except BaseException as error:
            outcome.append(error)

    waiting: list[threading.Thread] = []
    with Bench(tmp_path) as bench:
        monkeypatch.setattr(threading.Thread, "start", slow)
        bench.export()
        waiting[0].join(30)
        assert outcome == [None]
