"""The steps a program of downloads is made of, and what the driver itself expects of each."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import urlsplit

from pyVmomi import vmodl

from twohop.contracts._cell_target import CellTarget
from twohop.contracts.clauses import CLAUSES, Clause
from twohop.contracts.history import History
from twohop.contracts.history._xml import child
from twohop.contracts.report import Report, judge
from twohop.runtime.observing import Observations

from ._cell_speaker import CellSpeaker
from ._speaker import Speaker

Step = tuple[str, dict[str, Any]]
CELL_DRIVEN = tuple(clause for clause in CLAUSES if clause.subject == "cell" or clause.id == "LEASE-005")
"""The clauses that a driver of downloads holds a cell to."""
POLLS = 200
TICK = 1 / 1024
"""Seconds between two steps, so that what is said on one connection comes before what is said on another."""
ENDED = ("success", "error", "canceled", "aborted")


class CellDriver:
    """Takes the steps of one program against one cell. Any step may be taken at any time; refusals are no failures."""

    def __init__(self, target: CellTarget) -> None:
        self.target = target
        self.program: list[Step] = []
        self.surprises: list[str] = []
        self._observations = Observations(target.clock.now)
        target.begin(self._observations)
        self._user = CellSpeaker(target, self._observations)
        self._user.log_in()
        self._vsphere = Speaker(target.vcenter, self._observations)
        self._vms = self._vsphere.machines(tuple(target.machines))
        self._paths = [self._user.vapp(name) for name in target.vapps]
        self._paths += [self._user.medium(name) for name in target.media]
        self._on: set[int] = set()
        self._tasks: dict[int, str] = {}
        self._cancelled: set[str] = set()
        self._known: dict[int, list[str]] = {}
        self._reading: list[contextlib.ExitStack] = []

    def take(self, step: str, **arguments: Any) -> None:
        """Take one step and remember it."""
        if step not in CELL_STEPS:
            raise LookupError(f"no step {step!r}; there are {', '.join(CELL_STEPS)}")
        self.program.append((step, arguments))
        with contextlib.suppress(vmodl.MethodFault):
            CELL_STEPS[step](self, **arguments)
        self.target.clock.advance(TICK)

    def history(self) -> History:
        """Return what was seen up to now."""
        return History.of(self._observations, self.target.declared)

    def judge(self, clauses: Sequence[Clause] = CELL_DRIVEN) -> Report:
        """Judge what was seen up to now."""
        return judge(self.history(), clauses, self.target.recipe)

    def close(self) -> None:
        """Leave the target."""
        while self._reading:
            self._reading.pop().close()
        self.target.restart()
        self._user.close()
        self._vsphere.close()

    # -- the steps

    def look(self, vapp: int) -> dict[str, str]:
        """Look at a vApp."""
        return self._user.links(self._paths[vapp % len(self._paths)])

    def enable(self, vapp: int) -> None:
        """Ask for a download; it is due where the machine is off, a refusal where it is on (2.10)."""
        number = vapp % len(self._paths)
        shown = self.look(number).get("enable", f"{self._paths[number]}/action/enableDownload")
        self._pass()
        status, task = self._user.call("POST", shown)
        if status == 202 and task is not None:
            self._tasks[number] = urlsplit(str(task.get("href"))).path
            if number in self._on:
                self.surprises.append("a vApp that is powered on was enabled for download (2.10)")
        elif number not in self._on:
            self.surprises.append(f"a vApp that is off was refused a download: {status}")

    def wait(self, vapp: int) -> None:
        """Look at the task until it has ended."""
        number = vapp % len(self._paths)
        task = self._tasks.get(number)
        if task is None:
            return
        status, said = self._poll(task)
        self.target.settle()
        for _ in range(POLLS):
            if status in ENDED:
                break
            self._pass()
            status, said = self._poll(task)
        if status != "success" and task not in self._cancelled:
            self.surprises.append(f"an export ended as {status}, though nothing hindered it: {said}")

    def cancel(self, vapp: int) -> None:
        """Ask the task to stop."""
        task = self._tasks.get(vapp % len(self._paths))
        if task is not None:
            self._cancelled.add(task)
            self._user.call("POST", f"{task}/action/cancel")

    def read(self, vapp: int, rel: str) -> None:
        """GET what a link leads to, and all files that a descriptor names."""
        number = vapp % len(self._paths)
        url = self.look(number).get(f"download:{rel}")
        if url is None:
            return
        self._pass()
        status, body = self._user.get(url)
        if status == 200 and number >= len(self.target.vapps):
            self._known[number] = [url]
        if status != 200 or rel.startswith("ova") or number >= len(self.target.vapps):
            return
        files = self._user.files(body, url)
        self._known[number] = [url, *files]
        for file in files:
            self._pass()
            self._user.get(file)

    def again(self, vapp: int) -> None:
        """GET what was there before, whether it still is or not."""
        for url in self._known.get(vapp % len(self._paths), ()):
            self._user.get(url)
            self._pass()

    def resume(self, vapp: int, first: int, last: int | None) -> None:
        """GET a range of a file."""
        wanted = f"bytes={first}-{'' if last is None else last}"
        for url in self._known.get(vapp % len(self._paths), ())[1:]:
            self._user.get(url, {"Range": wanted})
            self._pass()

    def begin(self, vapp: int) -> None:
        """Begin to GET a disk, and pause."""
        for url in self._known.get(vapp % len(self._paths), ())[1:]:
            stack = contextlib.ExitStack()
            stack.enter_context(self._user.reading(url))
            self._reading.append(stack)

    def finish(self) -> None:
        """Read on, whatever was begun last."""
        if self._reading:
            self._reading.pop().close()

    def disable(self, vapp: int) -> None:
        """End a download."""
        self._user.call("POST", f"{self._paths[vapp % len(self._paths)]}/action/disableDownload")

    def advance(self, share: float) -> None:
        """Let a share of the idle time pass."""
        self.target.clock.advance(share * float(self.target.declared["cell"]["url_expiry_s"]))

    def reap(self) -> None:
        """Let the reaper come round."""
        self.target.clock.advance(float(self.target.declared["cell"]["reaper_s"]) + 1)

    def list(self) -> None:
        """Look into the transfer directory."""
        self._observations.list_directory(self.target.transfer_dir)

    def power_on(self, vapp: int) -> None:
        """Try to power on the machine of a vApp."""
        number = vapp % len(self._vms)
        if self._settled(self._vsphere.vm(self._vms[number]).PowerOn()):
            self._on.add(number)

    def power_off(self, vapp: int) -> None:
        """Try to power it off."""
        number = vapp % len(self._vms)
        if self._settled(self._vsphere.vm(self._vms[number]).PowerOff()):
            self._on.discard(number)

    def crash(self, vapp: int, at: str) -> None:
        """Let the cell die at a step of an export, and start it again."""
        number = vapp % len(self._paths)
        while self._reading:
            # What the dead cell was sending would be cut, and no rule could tell why.
            self._reading.pop().close()
        # Whatever else was under way goes down with it.
        self._cancelled |= set(self._tasks.values())
        self.target.crash_at(at)
        before = self._tasks.pop(number, None)
        status, task = self._user.call("POST", f"{self._paths[number]}/action/enableDownload")
        self.target.settle()
        self.target.restart()
        if status == 202 and task is not None:
            self._tasks[number] = urlsplit(str(task.get("href"))).path
            self._cancelled.add(self._tasks[number])
        elif before is not None:
            self._tasks[number] = before

    def _poll(self, task: str) -> tuple[str, str]:
        """Look at a task; return its status, and what its error says."""
        root = self._user.call("GET", task)[1]
        error = child(root, "Error")
        said = str(error.get("message")) if error is not None else ""
        return str(root.get("status")) if root is not None else "", said

    def _pass(self) -> None:
        self.target.clock.advance(TICK)

    def _settled(self, task: Any) -> bool:
        for _ in range(POLLS):
            state = str(self._vsphere.read(task, "info")["info"].state)
            if state in ("success", "error"):
                return state == "success"
        return False


CELL_STEPS: dict[str, Callable[..., object]] = {
    "look": CellDriver.look, "enable": CellDriver.enable, "wait": CellDriver.wait, "cancel": CellDriver.cancel,
    "read": CellDriver.read, "again": CellDriver.again, "resume": CellDriver.resume, "begin": CellDriver.begin,
    "finish": CellDriver.finish, "disable": CellDriver.disable, "advance": CellDriver.advance,
    "reap": CellDriver.reap, "list": CellDriver.list, "power_on": CellDriver.power_on,
    "power_off": CellDriver.power_off, "crash": CellDriver.crash,
}  # fmt: skip
