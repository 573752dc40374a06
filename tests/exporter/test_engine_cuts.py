"""An export that is cut at every step there is, in every way, and at every byte that matters.

Whatever happens: the machine is unlocked, the lease has ended once, no file has its final name unless all are whole,
nothing else is left, and the command ends with the exit code that says so.
"""

from __future__ import annotations

import signal
from collections import Counter
from collections.abc import Callable
from typing import Any

import click
import pytest

from exporter.engine_world import NVRAM, World, disk
from twohop.cli import _running as command
from twohop.exporter import (
    BadPackage,
    BadStream,
    Busy,
    Cancelled,
    ExportError,
    HostBusy,
    HostRefused,
    HostUnreachable,
    LeaseLost,
    ShortStream,
    TargetFull,
)
from twohop.exporter.engine import Action
from twohop.exporter.engine import _actions as actions

FILES = {"/disk-0.vmdk": disk(1), "/disk-1.vmdk": disk(2), "/vm.nvram": NVRAM}
ERRORS: dict[str, tuple[BaseException, int]] = {
    type(error).__name__: (error, code)
    for error, code in (
        (BadPackage("b"), 1),
        (BadStream("b"), 1),
        (Busy("b"), 1),
        (Cancelled("c"), 1),
        (HostBusy("h"), 1),
        (HostRefused("h"), 1),
        (HostUnreachable("h"), 1),
        (KeyboardInterrupt(), 130),
        (command.Terminated(signal.SIGTERM), 143),
        (LeaseLost("l"), 1),
        (MemoryError(), 1),
        (OSError(5, "io"), 1),
        (ShortStream("s"), 1),
        (SystemExit(7), 7),
        (TargetFull("t"), 1),
        (ZeroDivisionError(), 1),
    )
}
"""Everything that may go wrong, and the exit code of the command where it is why the export ended."""

SCENARIOS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "a directory": ({}, {}),
    "one stream": ({}, {"one_stream": True}),
    "side by side": ({}, {"at_once": 2}),
    "no package, two descriptors": ({}, {"package": None, "describe": {"default": (), "mac": ("mac",)}}),
    "nothing that is no disk": ({}, {"nvram": False, "images": False}),
    "another lease": ({"cut": {(1, "/disk-1.vmdk"): 700}}, {"leases": 3, "pause": 1.0}),
    "another host": ({"hosts": ("esx", "esx2"), "down": frozenset({"esx"})}, {}),
}
"""Ways that an export may take to its success: what the world is like, and what is asked for."""
WAY_OUT = frozenset({"Abort", "Discard", "StopRenewing"})


def made(scenario: str, **more: Any) -> tuple[World, dict[str, Any]]:
    world, asked = SCENARIOS[scenario]
    return World(FILES, **{**world, **more}), asked


def run_command(world: World, asked: dict[str, Any]) -> tuple[Any, int]:
    """Export as the command does, and give what it got, and its exit code."""
    got: list[Any] = []

    def work(show: Any) -> None:
        try:
            got.append(world.export(**asked))
        except BaseException as error:
            world.error = error  # type: ignore[attr-defined]
            raise

    try:
        command.run_shown(work, as_json=False)
    except SystemExit as end:
        assert isinstance(end.code, int)
        return None, end.code
    [done] = got
    return done, 0


def name_of(action: Any) -> str:
    return type(action).__name__


def steps_of(scenario: str) -> list[str]:
    world, asked = made(scenario)
    done, code = run_command(world, asked)
    assert code == 0 and not list(world.wrong(done, asked.get("leases", 1))), scenario
    return [name_of(step) for step in world.steps]


def kinds() -> set[str]:
    """Every action that the engine can ask for."""
    return {name for name, each in vars(actions).items() if isinstance(each, type) and issubclass(each, Action)} - {
        "Action"
    }


def test_the_scenarios_take_every_step_that_there_is() -> None:
    taken = Counter(step for scenario in SCENARIOS for step in steps_of(scenario))
    # Given up is only what went wrong, so the last of these is taken where another step fails.
    assert set(taken) == kinds() - {"Discard"}
    assert all(hasattr(World, kind) for kind in kinds())


@pytest.fixture(autouse=True)
def silent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(click, "echo", lambda *_, **__: None)


@pytest.mark.parametrize("how", ["instead of the step", "after the step"])
@pytest.mark.parametrize("error", ERRORS)
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_whatever_fails_at_whatever_step_nothing_is_left(scenario: str, error: str, how: str) -> None:
    """After the step is the worse half: the server has done what was asked, and its answer is lost."""
    raised, code = ERRORS[error]
    late = how == "after the step"
    failed = 0
    for number, step in enumerate(steps_of(scenario)):
        if step in WAY_OUT:
            continue

        def fail(at: int, action: Any, number: int = number) -> None:
            if at == number:
                raise raised

        world, asked = made(scenario, **{"after" if late else "before": fail})
        done, exit_code = run_command(world, asked)
        where = f"{number} {step}"
        failed += done is None
        assert (exit_code == 0) == (done is not None), where
        if done is None and world.error is raised:  # type: ignore[attr-defined]
            assert exit_code == code, where
        if late and step == "AskLease":
            # A grant that nobody heard of: only the session knows it, and ends it (test_interrupted).
            assert not world.finals and not world.parts, where
            continue
        if world.leases and "complete" in world.leases[-1].ends and done is None:
            # Too late to give it up: it was completed, and what is said of that, or the last names, failed.
            assert world.leases[-1].state == "done" and not world.parts, where
            assert not world.finals or step in ("Publish", "Tell"), where
            continue
        assert not list(world.wrong(done, asked.get("leases", 1))), where
    assert failed, "nothing failed"


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_wish_to_stop_is_heard_before_every_step(scenario: str) -> None:
    """And it keeps nothing from being given up."""
    wish = Cancelled("c")
    asked_at = len([step for step in steps_of(scenario) if not getattr(actions, step).ends])
    for last in range(asked_at):
        left = [last]

        def check(left: list[int] = left) -> None:
            if left[0] == 0:
                raise wish
            left[0] -= 1

        world, asked = made(scenario, check=check)
        done, code = run_command(world, asked)
        assert (done, code) == (None, 1)
        assert world.error is wish  # type: ignore[attr-defined]
        if world.leases and world.leases[-1].ends == ["complete"]:
            assert [name_of(step) for step in world.steps][-1] == "Discard" and not world.finals
            continue
        assert not list(world.wrong(None, asked.get("leases", 1))), last


@pytest.mark.parametrize("second", ["Busy", "HostUnreachable", "LeaseLost", "TargetFull"])
@pytest.mark.parametrize("failing", sorted(WAY_OUT))
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_way_out_that_fails_does_not_hide_why(scenario: str, failing: str, second: str) -> None:
    first = BadStream("why")
    for number, step in enumerate(steps_of(scenario)):
        if step in WAY_OUT:
            continue

        failed = []

        def cut(at: int, action: Any, number: int = number, failed: list[int] = failed) -> None:
            if at == number:
                failed.append(at)
                raise first

        def fail(at: int, action: Any, failed: list[int] = failed) -> None:
            if failed and name_of(action) == failing:
                raise ERRORS[second][0]

        world, asked = made(scenario, before=cut, after=fail)
        done, code = run_command(world, asked)
        assert (done, code) == (None, 1)
        assert world.error is first, f"{number} {step}"  # type: ignore[attr-defined]
        assert not world.finals and not world.parts


def boundaries(data: bytes) -> list[int]:
    """Every place in a stream where one thing ends and another begins, and the bytes beside it."""
    sectors = range(0, len(data) + 1, 512)
    # Everything in a stream is a multiple of a sector, but the markers and the end of a grain.
    return sorted(
        {at for edge in sectors for at in (edge - 1, edge, edge + 1, edge + 12, edge + 16)} & set(range(len(data)))
    )


@pytest.mark.parametrize("one_stream", [False, True])
@pytest.mark.parametrize("key", ["/disk-0.vmdk", "/disk-1.vmdk"])
def test_a_stream_cut_at_any_byte_that_matters_is_never_a_success(key: str, one_stream: bool) -> None:
    data = FILES[key]
    places = boundaries(data)
    assert len(places) > 300
    for at in places:
        world = World(FILES, cut={(1, key): at})
        done, code = run_command(world, {"one_stream": one_stream})
        assert (done, code) == (None, 1), f"cut at {at} of {len(data)}"
        assert type(world.error) is ShortStream, at  # type: ignore[attr-defined]
        assert not list(world.wrong(None, 1))


Lie = Callable[[dict[str, bytes]], dict[str, bytes]]
LIES: dict[str, Lie] = {
    "a byte more": lambda files: {**files, "/disk-0.vmdk": files["/disk-0.vmdk"] + b"\0"},
    "twice": lambda files: {**files, "/disk-0.vmdk": files["/disk-0.vmdk"] * 2},
    "another disk": lambda files: {**files, "/disk-0.vmdk": files["/disk-1.vmdk"]},
    "a byte of nvram": lambda files: {**files, "/vm.nvram": b"\1" + NVRAM[1:]},
    "no nvram": lambda files: {**files, "/vm.nvram": b""},
    "an error page": lambda files: {**files, "/disk-1.vmdk": b"<html>Service Unavailable</html>"},
}


@pytest.mark.parametrize("lie", LIES)
def test_other_bytes_than_the_server_has_are_never_a_success(lie: str) -> None:
    world = World(FILES, lie=LIES[lie])
    done, code = run_command(world, {"leases": 3})
    assert (done, code) == (None, 1)
    assert isinstance(world.error, ExportError)  # type: ignore[attr-defined]
    assert not list(world.wrong(None, 3))
