"""The rules by which Hypothesis makes up programs: single steps, and short stories that put a clause to the test."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from twohop.contracts._target import Target

from ._driver import STRANGER
from ._lease_steps import FAULTS
from ._machine_steps import CHANGES
from ._steps import LeaseDriver

LEASES = st.integers(0, 2)
MACHINES = st.sampled_from([0, 1, 2, 0, 1, 2, 3])
SESSIONS = st.integers(0, 1)
PERCENT = st.sampled_from([0, 0, 50, 100, 101])
SHORT = st.sampled_from([0.4, 0.7, 0.99])
LONG = st.sampled_from([1.01, 1.5])
ENDS = st.sampled_from(["complete", "abort"])
AFTER_SILENCE = ["progress", "complete", "abort", "manifest", "power_on"]

granted = precondition(lambda machine: machine.driver.leases > 0)


class LeaseMachine(RuleBasedStateMachine):
    """One run of the driver; when it ends, `judge` is given the driver."""

    def __init__(self, target: Target, judge: Callable[[LeaseDriver], None]) -> None:
        super().__init__()
        self.judge = judge
        self.driver = LeaseDriver(target)

    @initialize(vm=MACHINES)
    def begin(self, vm: int) -> None:
        """Every program begins with a look around and a lease."""
        self.driver.take("survey_machines")
        self.driver.take("tasks", vm=vm)
        self.driver.take("export", vm=vm)

    @rule(vm=MACHINES, client=SESSIONS)
    def export(self, vm: int, client: int) -> None:
        """Ask for one more lease."""
        self.driver.take("export", vm=vm, client=client)

    @granted
    @rule(lease=LEASES, client=SESSIONS, how=st.sampled_from(["read", "state", "info", "error", "more"]))
    def look(self, lease: int, client: int, how: str) -> None:
        """Look at a lease, one's own or another's, in one of the ways clients do."""
        if how == "read":
            self.driver.take("read", lease=lease, client=client)
        elif how == "more":
            self.driver.take("read_more", lease=lease)
            self.driver.take("read_old", lease=lease)
        else:
            self.driver.take("peek", lease=lease, path=how)

    @granted
    @rule(lease=LEASES, percent=PERCENT, client=SESSIONS)
    def progress(self, lease: int, percent: int, client: int) -> None:
        """Report progress."""
        self.driver.take("progress", lease=lease, percent=percent, client=client)

    @rule(vm=MACHINES, algorithm=st.sampled_from(["", "sha256"]), part=st.booleans())
    def export_wholly(self, vm: int, algorithm: str, part: bool) -> None:
        """Do all that a thorough client does, and look what is left of it."""
        self._begin_export(vm)
        if algorithm:
            self.driver.take("checksum_type", lease=0, algorithm=algorithm)
        if part:
            self.driver.take("get_one", lease=0, file=0)
        else:
            self.driver.take("get", lease=0)
        self.driver.take("manifest", lease=0)
        self.driver.take("progress", lease=0, percent=100)
        self.driver.take("complete", lease=0)
        self._look_back(vm)

    @rule(vm=MACHINES, percent=PERCENT, fault=st.sampled_from([*FAULTS]))
    def export_in_vain(self, vm: int, percent: int, fault: str) -> None:
        """Begin an export well, and give it up."""
        self._begin_export(vm)
        self.driver.take("read_more", lease=0)
        self.driver.take("progress", lease=0, percent=percent)
        self.driver.take("tasks", vm=vm)
        self.driver.take("abort", lease=0, fault=fault)
        self._look_back(vm)

    def _begin_export(self, vm: int) -> None:
        self.driver.take("power_off", vm=vm)
        self.driver.take("tasks", vm=vm)
        self.driver.take("export", vm=vm)
        self.driver.take("tasks", vm=vm)
        self.driver.take("progress", lease=0, percent=0)
        self.driver.take("wait_until_ready", lease=0)

    def _look_back(self, vm: int) -> None:
        self.driver.take("tasks", vm=vm)
        self.driver.take("get_one", lease=0, file=0)
        self.driver.take("read", lease=0)

    @rule(vm=MACHINES, shares=st.lists(SHORT, min_size=2, max_size=3), percent=PERCENT)
    def keep_alive(self, vm: int, shares: list[float], percent: int) -> None:
        """Fetch and report progress in time, for longer than one timeout, and look again."""
        self._ready(vm)
        for share in shares:
            self.driver.take("progress", lease=0, percent=percent)
            self.driver.take("get", lease=0)
            self.driver.take("advance", share=share)
        self.driver.take("read", lease=0)

    @rule(vm=MACHINES, share=LONG, look=st.booleans(), then=st.sampled_from(AFTER_SILENCE))
    def fall_silent(self, vm: int, share: float, look: bool, then: str) -> None:
        """Let more than a timeout pass, and see what is left."""
        self._ready(vm)
        self.driver.take("advance", share=share)
        if look:
            self.driver.take("read", lease=0)
            self.driver.take("get_one", lease=0, file=1)
        if then == "power_on":
            self._knock()
        elif then == "progress":
            self.driver.take("progress", lease=0, percent=0)
        else:
            self.driver.take(then, lease=0)
        self.driver.take("read", lease=0)
        self.driver.take("tasks", vm=self.driver.machine_of(0))

    @rule(vm=MACHINES, how=st.sampled_from(["complete", "abort", "neither"]))
    def knock(self, vm: int, how: str) -> None:
        """Try to power on the machine of a lease, held or ended just before, and to export it then."""
        self._ready(vm)
        if how != "neither":
            self.driver.take(how, lease=0)
        self._knock()

    @rule(vm=MACHINES, how=st.sampled_from(CHANGES))
    def change(self, vm: int, how: str) -> None:
        """Try to change the machine of a lease."""
        self._ready(vm)
        self.driver.take("change", lease=0, how=how)

    @rule(on=st.booleans(), how=ENDS)
    def export_snapshot(self, on: bool, how: str) -> None:
        """Export a snapshot of the machine that has one, whether it runs or not."""
        self.driver.take("power_on" if on else "power_off", vm=2)
        self.driver.take("survey_machines")
        self.driver.take("export_snapshot", vm=2)
        self.driver.take("wait_until_ready", lease=0)
        self.driver.take("get", lease=0)
        self.driver.take(how, lease=0)

    @rule(vm=MACHINES, how=ENDS)
    def export_vapp(self, vm: int, how: str) -> None:
        """Export a vApp, which holds several machines, beside a lease on another machine."""
        self._ready(vm)
        self.driver.take("tasks", vm=vm)
        self.driver.take("export_vapp", vapp=0)
        self.driver.take("tasks", vm=vm)
        self.driver.take("wait_until_ready", lease=0)
        self.driver.take("get", lease=0)
        self.driver.take("manifest", lease=0)
        self.driver.take("power_on_member", lease=0)
        self.driver.take(how, lease=0)
        self.driver.take("tasks", vm=vm)
        self.driver.take("read", lease=0)

    @rule(vm=MACHINES, ends=st.lists(ENDS, min_size=2, max_size=2))
    def share(self, vm: int, ends: list[str]) -> None:
        """Hold a machine by two leases of two sessions, and let them go one after the other."""
        self._ready(vm)
        vm = self.driver.machine_of(0)
        leases = self.driver.leases
        self.driver.take("export", vm=vm, client=1)
        self.driver.take("wait_until_ready", lease=0)
        self.driver.take(ends[0], lease=0)
        self.driver.take("power_on", vm=vm)
        if self.driver.leases > leases:
            self.driver.take(ends[1], lease=1)
        self._knock(vm)

    @rule(vm=MACHINES, first=ENDS, second=ENDS)
    def end_twice(self, vm: int, first: str, second: str) -> None:
        """End a lease, look, and end it once more."""
        self._ready(vm)
        self.driver.take(first, lease=0)
        self.driver.take("read", lease=0)
        self.driver.take(second, lease=0)

    @rule(vm=MACHINES, method=st.sampled_from(["HEAD", "PUT", "POST", "DELETE"]), number=st.integers(0, 3))
    def try_the_host(self, vm: int, method: str, number: int) -> None:
        """Ask a host for what it does not serve."""
        self._ready(vm)
        self.driver.take("ask", lease=0, method=method)
        self.driver.take("get_made_up", lease=0, number=number)
        self.driver.take("get_with_cookie", lease=0)

    @granted
    @rule(lease=LEASES, what=st.sampled_from(["progress", "complete", "abort", "export", "read", "logout"]))
    def without_session(self, lease: int, what: str) -> None:
        """Try what needs a session without one: as somebody who never had one, or has logged out."""
        given: dict[str, int] = {"vm": self.driver.machine_of(lease)} if what == "export" else {"lease": lease}
        if what == "logout":
            self.driver.take("logout", client=1)
            self.driver.take("progress", lease=lease, percent=1, client=1)
        elif what == "progress":
            self.driver.take("progress", **given, percent=1, client=STRANGER)
        else:
            self.driver.take(what, **given, client=STRANGER)

    @rule(vm=MACHINES, populated=st.booleans(), images=st.booleans(), named=st.booleans())
    def describe(self, vm: int, populated: bool, images: bool, named: bool) -> None:
        """Have the machine of a lease described, without files and with those of the lease."""
        self.driver.take("survey_machines")
        self._ready(vm)
        self.driver.take("describe_machine", vm=self.driver.machine_of(0), images=images)
        self.driver.take("describe", lease=0, populated=populated, images=images, named=named)

    @rule(vm=MACHINES, of=MACHINES)
    def describe_snapshot(self, vm: int, of: int) -> None:
        """Have a machine described by a snapshot, its own or another's."""
        self.driver.take("survey_machines")
        self.driver.take("describe_machine", vm=vm, snapshot_of=of)

    @rule(populated=st.booleans(), named=st.booleans())
    def describe_vapp(self, populated: bool, named: bool) -> None:
        """Have a vApp described."""
        self.driver.take("survey_vapps")
        self.driver.take("describe_vapp", vapp=0, populated=populated, named=named)

    @rule(vm=MACHINES)
    def query(self, vm: int) -> None:
        """Read what there is, and what there is not, in each way; be refused a login; leave while another stays."""
        self.driver.take("compare_reads", vm=vm)
        self.driver.take("read_unknown", vm=vm)
        self.driver.take("login_badly", client=STRANGER)
        self.driver.take("watch")
        self.driver.take("logout", client=1)
        self.driver.take("wait")

    @rule(vm=MACHINES, on=st.booleans())
    def watch(self, vm: int, on: bool) -> None:
        """Wait for updates, with and without a change, from the last version and from one that was never given."""
        self.driver.take("watch")
        self.driver.take("power_on" if on else "power_off", vm=vm)
        self.driver.take("survey_machines")
        self.driver.take("wait")
        self.driver.take("wait_badly")

    def _ready(self, vm: int) -> None:
        self.driver.open_lease(vm)
        self.driver.take("wait_until_ready", lease=0)

    def _knock(self, vm: int | None = None) -> None:
        vm = self.driver.machine_of(0) if vm is None else vm
        self.driver.take("power_on", vm=vm)
        self.driver.take("survey_machines")
        self.driver.take("export", vm=vm)
        self.driver.take("power_off", vm=vm)

    @granted
    @rule(lease=LEASES)
    def get(self, lease: int) -> None:
        """Fetch the files of a lease."""
        self.driver.take("get", lease=lease)

    @granted
    @rule(lease=LEASES, how=ENDS)
    def end(self, lease: int, how: str) -> None:
        """Complete or abort a lease."""
        self.driver.take(how, lease=lease)

    @rule(vm=MACHINES, on=st.booleans())
    def power(self, vm: int, on: bool) -> None:
        """Try to power a machine on or off."""
        self.driver.take("power_on" if on else "power_off", vm=vm)

    def teardown(self) -> None:
        """Leave the target and have the run judged."""
        self.driver.close()
        self.judge(self.driver)
