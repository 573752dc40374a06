"""Our exporter under every scenario: a package that is whole, or one line of whose fault it is; never a lease, never
half a file."""

from __future__ import annotations

from pathlib import Path

import pytest

from exporter.test_export import VM, address
from exporter.test_lease import calls
from passing import passing
from twohop.exporter import (
    ExportError,
    HostRefused,
    HostUnreachable,
    LeaseFailed,
    Options,
    Refused,
    ShortStream,
    WrongPowerState,
    export_vm,
)
from twohop.exporter.verify import verify_package
from twohop.fakes.scenarios import SCENARIOS, scenario
from twohop.runtime.observing import Observations

FAILS: dict[str, tuple[type[ExportError], str]] = {
    "deleted-iso": (Refused, "was not found"),
    "error-without-abort": (ShortStream, "ended the connection"),
    "encrypted": (Refused, "virtual TPM"),
    "nvram-not-found": (HostRefused, "404"),
    "powered-on": (WrongPowerState, "is powered on"),
    "failed-initialising": (LeaseFailed, "A file could not be read"),
    "free-licence": (Refused, "licence"),
    "duplicate-export": (HostUnreachable, ""),
}
"""Scenarios that no client can turn to the good, and what is said of them; every other one is survived."""


def test_every_row_of_the_sheet_is_a_scenario() -> None:
    assert {each.row for each in SCENARIOS.values()} == set(range(1, 31))
    assert set(FAILS) <= set(SCENARIOS)
    with pytest.raises(ValueError, match="there is no scenario 'nothing'; there are no-keep-alive, "):
        scenario("nothing")


@pytest.mark.parametrize("name", SCENARIOS)
def test_an_export_ends_right(tmp_path: Path, name: str) -> None:
    out = tmp_path / "out"
    with SCENARIOS[name].server() as server:
        observations = Observations(server.clock.now)
        error: ExportError | None = None
        with passing(server):
            try:
                export_vm(
                    address(server), VM, out, clock=server.clock, options=Options(pause=0),
                    observer=observations.observer("user"),
                )  # fmt: skip
            except ExportError as failed:
                error = failed
        said = calls(observations)
        strikes = [entry for entry in server.journal.entries(kind="fault") if "rule" in entry]
        # What is about uploads does not strike here.
        assert bool(strikes) is (bool(SCENARIOS[name].faults) and name != "cut-mid-upload")
        if name == "duplicate-export":
            # Granted, and nobody was told which: only its own timeout ends it, and nobody may ask again meanwhile.
            assert said.count("ExportVm") == 1 and len(server.world.leases()) == 1
            server.clock.advance(301)
        assert not [lease for lease in server.world.leases() if lease.state.held]
        assert not server.world.vm(VM).leases
    assert name == "powered-on" or said.count("HttpNfcLeaseComplete") <= 1
    if name in FAILS:
        kind, words = FAILS[name]
        assert isinstance(error, kind) and words in str(error) and "\n" not in str(error)
        assert not out.exists()
    else:
        assert error is None
        assert verify_package(out).sound
        assert not list(out.glob("*.part"))
    assert [path for path in tmp_path.iterdir() if path != out] == []


def test_the_nvram_can_be_left_out_where_the_host_has_lost_it(tmp_path: Path) -> None:
    with scenario("nvram-not-found").server() as server:
        made = export_vm(address(server), VM, tmp_path, clock=server.clock, options=Options(nvram=False))
    assert [file.path.suffix for file in made.files] == [".vmdk", ".vmdk"]
