"""`twohop cell` as a process that is killed: at each step of an export, and at moments that nobody chose."""

from __future__ import annotations

import contextlib
import json
import random
import shlex
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import urllib3
from lxml import etree

from cell.http import VCLOUD, links
from cell.test_command import environment
from twohop.exporter.cell._crash import VARIABLE
from twohop.exporter.cell.engine import EXPORT
from twohop.fakes import VCenter
from twohop.runtime import Clock

VM = "DC0_C0_RP0_VM0"
WORLD = {
    "datacenters": [
        {
            "name": "DC0",
            "hosts": ["H0"],
            "vms": [{"name": VM, "host": "H0", "disks": [{"size": "64 MiB", "data": "8 MiB"}]}],
        }
    ]
}
OVF = "{http://schemas.dmtf.org/ovf/envelope/1}"


@pytest.fixture
def vcenter() -> Iterator[VCenter]:
    clock = Clock(running=True)
    try:
        with VCenter(world=WORLD, clock=clock) as running:
            yield running
    finally:
        clock.close()


class Killable:
    """A cell's process over a share and a database that outlive it, and a client of it that is plain HTTP."""

    def __init__(self, vcenter: VCenter, home: Path, crash: str = "") -> None:
        self.vcenter, self.share, self.database = vcenter, home / "share", home / "cell.sqlite"
        command = [sys.executable, "-m", "twohop.cli", "cell", "--transfer-dir", str(self.share)]
        command += ["--database", f"sqlite:///{self.database}"]
        values = environment(vcenter, **({VARIABLE: crash} if crash else {}))
        self.process = subprocess.Popen(command, env=values, stdout=subprocess.PIPE, text=True)
        self.told: dict[str, str] = {}
        assert self.process.stdout is not None
        while "TWOHOP_CONTROL_URL" not in self.told:
            name, _, value = self.process.stdout.readline().strip().partition("=")
            self.told[name] = shlex.split(value)[0]
        self.pool = urllib3.PoolManager(ca_certs=self.told["TWOHOP_CA_FILE"], retries=False)
        self.token: dict[str, str] = {}
        self.log_in()

    def __enter__(self) -> Killable:
        return self

    def __exit__(self, *exc: object) -> None:
        self.pool.clear()
        self.process.terminate()
        self.process.communicate(timeout=60)

    def call(self, method: str, url: str, **headers: str) -> urllib3.BaseHTTPResponse:
        url = url if url.startswith("https:") else self.told["TWOHOP_CELL_URL"] + url
        sent = {"Accept": "application/*+xml;version=36.0", **self.token, **headers}
        return self.pool.request(method, url, headers=sent)

    def log_in(self) -> None:
        who = f"{self.told['TWOHOP_CELL_USER']}:{self.told['TWOHOP_CELL_PASSWORD']}"
        self.token = {}
        answer = self.call("POST", "/api/sessions", **urllib3.make_headers(basic_auth=who))
        self.token = {"x-vcloud-authorization": answer.headers["X-VCLOUD-AUTHORIZATION"]}

    def advance(self, seconds: float) -> None:
        body = json.dumps({"seconds": seconds}).encode()
        with urllib3.PoolManager() as pool:
            url = f"{self.told['TWOHOP_CONTROL_URL']}/v1/clock/advance"
            assert pool.request("POST", url, body=body, headers={"Content-Type": "application/json"}).status == 200

    def vapp(self) -> etree._Element:
        found = etree.fromstring(self.call("GET", "/api/query?type=vApp").data)
        (row,) = [child for child in found if child.get("name") == "vApp0"]
        return etree.fromstring(self.call("GET", str(row.get("href"))).data)

    def enable(self) -> str:
        """Ask for the download and return its task's path; die as the process may while it answers."""
        answer = self.call("POST", links(self.vapp())["enable"])
        assert answer.status == 202, answer.data
        return answer.headers["Location"].partition("/api/")[2]

    def status(self, task: str) -> str:
        return str(etree.fromstring(self.call("GET", f"/api/{task}").data).get("status"))

    def die(self) -> None:
        assert self.process.wait(60) == -signal.SIGKILL
        assert self.process.stdout is not None
        self.process.stdout.close()
        self.pool.clear()

    def judge(self, task: str | None) -> None:
        """Whole and linked, or gone: the task, the link, the share and vCenter."""
        vapp = self.vapp()
        assert vapp.find(f"{VCLOUD}Tasks") is None
        url = links(vapp).get("download:default")
        if task is not None:
            assert self.status(task) == ("success" if url is not None else "error")
        if url is not None:
            self.fetch(url)
        # The dead process's clock had been moved, so what it wrote down may lie an hour ahead.
        self.advance(3601 if url is None else 3 * 3601)
        assert [path.name for path in self.share.iterdir()] == []
        # What the database claims is what the share holds: nothing.
        with contextlib.closing(sqlite3.connect(self.database)) as db:
            assert {row for (row,) in db.execute("SELECT DISTINCT state FROM transfers")} <= {"removed"}
            assert db.execute("SELECT count(*) FROM tasks WHERE state IN ('queued', 'running')").fetchone() == (0,)
        self.vcenter.clock.advance(301)
        assert not any(lease.value.state.held for lease in self.vcenter.world.leases())
        assert not self.vcenter.world.vm(VM).leases
        self.log_in()

    def whole(self) -> None:
        """Export, and get all of it."""
        task = self.enable()
        while self.status(task) in ("queued", "running"):
            pass
        assert self.status(task) == "success"
        self.fetch(links(self.vapp())["download:default"])

    def fetch(self, url: str) -> None:
        root = etree.fromstring(self.pool.request("GET", url).data)
        for file in root.iterfind(f"{OVF}References/{OVF}File"):
            disk = self.pool.request("GET", f"{url.rpartition('/')[0]}/{file.get(f'{OVF}href')}")
            assert (disk.status, len(disk.data)) == (200, int(str(file.get(f"{OVF}size"))))


def test_at_each_step_of_an_export(vcenter: VCenter, tmp_path: Path) -> None:
    task: str | None = None
    for step in EXPORT:
        with Killable(vcenter, tmp_path, crash=step.label) as cell:
            cell.judge(task)
            task = None
            try:
                task = cell.enable()
            except urllib3.exceptions.HTTPError:
                pass  # it died before it could answer
            cell.die()
    with Killable(vcenter, tmp_path) as cell:
        cell.judge(task)
        cell.whole()


@pytest.mark.parametrize("seed", range(3))
def test_at_moments_that_nobody_chose(vcenter: VCenter, tmp_path: Path, seed: int) -> None:
    choice = random.Random(seed)
    task: str | None = None
    for _ in range(2):
        with Killable(vcenter, tmp_path) as cell:
            cell.judge(task)
            task = cell.enable()
            for _ in range(choice.randrange(25)):
                if cell.status(task) not in ("queued", "running"):
                    break
            cell.process.kill()
            cell.die()
    with Killable(vcenter, tmp_path) as cell:
        cell.judge(task)
        cell.whole()


def test_a_step_that_does_not_exist_is_refused_at_the_start(vcenter: VCenter, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "twohop.cli", "cell", "--transfer-dir", str(tmp_path)],
        env=environment(vcenter, **{VARIABLE: "never"}), capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.returncode == 1
    assert "TWOHOP_CRASH_AT: a cell has no step 'never'; it has asked, reserved" in done.stderr
