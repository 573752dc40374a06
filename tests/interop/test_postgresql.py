"""A cell's state in a PostgreSQL server that this test starts for itself, on a socket in a directory of its own."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from cell.support import DISK, START, VM, Bench, MadeUpSource
from twohop.exporter.cell.engine import DEFAULT, Leg, Step, Store, StoreError, default_catalogue, totals
from twohop.runtime import Clock

pytestmark = pytest.mark.interop
TWO = default_catalogue([VM, "DC0_C0_RP0_VM2"])


def program(name: str) -> Path | None:
    """Find a program of the server, which distributions keep out of the path."""
    found = shutil.which(name)
    places = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    return Path(found) if found else places[-1] if places else None


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    initdb, postgres = program("initdb"), program("postgres")
    if initdb is None or postgres is None:
        pytest.skip("no PostgreSQL server is installed here: apt-get install postgresql")
    if importlib.util.find_spec("psycopg") is None:
        pytest.skip("psycopg is not installed: pip install twohop[postgresql]")
    # The server refuses to run as root, and a socket's path may not be long.
    user = "postgres" if os.geteuid() == 0 else None
    home = Path(tempfile.mkdtemp(prefix="twohop-pg-", dir="/tmp"))
    if user is not None:
        shutil.chown(home, user)
    data = home / "data"
    subprocess.run(
        [initdb, "-D", data, "-U", "twohop", "-A", "trust", "--no-sync"], check=True, user=user, cwd=home,
        stdout=subprocess.DEVNULL,
    )  # fmt: skip
    running = subprocess.Popen(
        [postgres, "-D", data, "-k", home, "-c", "listen_addresses=", "-c", "fsync=off"], user=user, cwd=home,
        stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert running.stderr is not None
        told = iter(running.stderr.readline, "")
        assert any("ready to accept connections" in line for line in told)
        threading.Thread(target=lambda: list(told), daemon=True).start()
        yield f"postgresql+psycopg://twohop@/postgres?host={home}"
    finally:
        running.terminate()
        running.wait(60)
        running.stderr.close()
        shutil.rmtree(home)


@pytest.fixture
def store(server: str) -> Iterator[Store]:
    made = Store(server)
    made.empty("cell")
    yield made
    made.close()


def test_an_export_and_both_clocks(store: Store, tmp_path: Path) -> None:
    with Bench(tmp_path, store=store, catalogue=TWO, quota=10 * len(DISK)) as bench:
        assert bench.state(bench.export()) == "success"
        link = bench.engine.link(bench.entity())
        assert link is not None and bench.engine.quota.taken() == sum(link.files.values())
        download = bench.engine.open(link.id, DEFAULT, "user")
        download.close(len(download.read(1 << 20)))
        assert totals(bench.engine.ledger(bench.entity()))[Leg.HOST_TO_CELL.value] == 2 * len(DISK)
        bench.clock.advance(7200)
        assert bench.listing() == []


def test_a_restart_takes_up_what_stands(server: str, store: Store, tmp_path: Path) -> None:
    with Bench(tmp_path, store=store) as bench:
        task = bench.export()
        before = bench.engine.link(bench.entity())
    again = Store(server)
    assert again.identity == store.identity
    with Bench(tmp_path, store=again, clock=Clock(start=START + 1000)) as bench:
        assert bench.engine.link(bench.entity()) == before
        assert bench.state(task) == "success"
        bench.clock.advance(7200)
        assert bench.listing() == []
    again.close()


@pytest.mark.parametrize("step", [Step.LEASED, Step.PUBLISHED])
def test_a_failure_leaves_nothing(store: Store, tmp_path: Path, step: Step) -> None:
    def fail(taken: Step) -> None:
        if taken is step:
            raise OSError(5, "Input/output error")

    with Bench(tmp_path, store=store, on_step=fail, source=MadeUpSource()) as bench:
        assert bench.state(bench.export()) == "error"
        assert bench.listing() == []


def test_one_name_has_one_live_cell_and_is_free_when_that_has_gone(server: str, store: Store) -> None:
    other = Store(server)
    with store.holding("cell"):
        with pytest.raises(StoreError, match="a cell named 'cell'"), other.holding("cell"):
            pass
        with other.holding("another"):
            pass
    with other.holding("cell"):
        pass
    other.close()


def test_a_reset_leaves_another_cell_s_rows(store: Store, tmp_path: Path) -> None:
    with Bench(tmp_path, store=store) as bench:
        task = bench.export()
        store.empty("somebody else")
        assert bench.state(task) == "success"
        bench.engine.reset()
        assert bench.engine.task(task) is None
        assert bench.listing() == []
