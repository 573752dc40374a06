"""Every profile, every state of a lease, every method: the fault on the wire, with its mandatory fields (section 2)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from soap_wire import XSI, Answer, Wire
from twohop.runtime.profiles import known_profiles, load_profile
from vcenters import SMALL, make

PROFILES = [name for name in known_profiles() if name.startswith(("vcenter-", "esxi-"))]
WORLD: dict[str, Any] = {
    "datacenters": [
        {
            "name": "DC0",
            "hosts": ["H0"],
            "vms": [
                {"name": "VM0", "disks": [SMALL]},
                {"name": "ON", "power": "on"},
                {"name": "SUSPENDED", "power": "suspended"},
                {"name": "GONE", "images": [{"missing": True}]},
                {"name": "ENCRYPTED", "encrypted": True, "disks": [SMALL], "snapshots": [{"name": "s"}]},
                {"name": "VTPM", "vtpm": True, "disks": [SMALL]},
            ],
        }
    ]
}
FILE = "<files><targetDeviceId>x</targetDeviceId><url>https://h/x</url><create>false</create></files>"
METHODS: dict[str, tuple[str, str]] = {
    "progress": ("HttpNfcLeaseProgress", "<percent>1</percent>"),
    "complete": ("HttpNfcLeaseComplete", ""),
    "abort": ("HttpNfcLeaseAbort", ""),
    "manifest": ("HttpNfcLeaseGetManifest", ""),
    "checksum": ("HttpNfcLeaseSetManifestChecksumType", ""),
    "pull": ("HttpNfcLeasePullFromUrls_Task", FILE),
    "probe": ("HttpNfcLeaseProbeUrls", f"{FILE}<timeout>10</timeout>"),
    "probe nothing": ("HttpNfcLeaseProbeUrls", "<timeout>10</timeout>"),
}
SINCE = {"manifest": (4, 1), "checksum": (6, 7), "pull": (6, 7), "probe": (7, 0, 2), "probe nothing": (7, 0, 2)}
"""The version of the API that each came with (1.8)."""
IS, TO, IA = "InvalidState", "Timedout", "InvalidArgument"
ALWAYS = {"pull": IS, "probe": IS, "probe nothing": IA}
"""What an export lease answers in any state (5.7)."""
ENDED = {"progress": IS, "complete": IS, "abort": IS, "manifest": IS, "checksum": IS}
EXPECTED: dict[str, dict[str, str | None]] = {
    "initializing": {"progress": None, "complete": IS, "abort": None, "manifest": IS, "checksum": None},
    "ready": {"progress": None, "complete": None, "abort": None, "manifest": None, "checksum": None},
    "done": dict(ENDED),
    "aborted": dict(ENDED),
    "timed out": {"progress": TO, "complete": TO, "abort": TO, "manifest": TO, "checksum": IS},
    "failed": dict(ENDED),
}


class Leases:
    """Leases brought into a state."""

    def __init__(self, vc: Any, user: Wire) -> None:
        self.vc, self.user = vc, user

    def export(self, vm: str = "VM0") -> str:
        (moid,) = self.user.call("ExportVm", "VirtualMachine", self.user.moid("Vm", vm)).texts("returnval")
        return moid

    def state(self, moid: str) -> str:
        (state,) = self.user.fetch("HttpNfcLease", moid, "state").texts("returnval")
        return state

    def ready(self, vm: str = "VM0") -> str:
        moid = self.export(vm)
        while self.state(moid) == "initializing":
            pass
        return moid

    def ended(self, how: Callable[[str], Any]) -> str:
        moid = self.ready()
        how(moid)
        return moid

    def into(self, state: str) -> str:
        """Return a fresh lease in that state."""
        call = self.user.call
        make: dict[str, Callable[[], str]] = {
            "initializing": self.export,
            "ready": self.ready,
            "done": lambda: self.ended(lambda moid: call("HttpNfcLeaseComplete", "HttpNfcLease", moid)),
            "aborted": lambda: self.ended(lambda moid: call("HttpNfcLeaseAbort", "HttpNfcLease", moid)),
            "timed out": lambda: self.ended(lambda moid: self.vc.clock.advance(300)),
            "failed": lambda: self.ready("GONE"),
        }
        return make[state]()


@pytest.mark.parametrize("profile", PROFILES)
def test_each_state_answers_each_method_as_documented(profile: str) -> None:
    # Where states can be told apart at all: a host may show no lease as initializing, and no second one.
    chosen = load_profile(profile, {"missing_image": "lease", "lease_initializing_reads": 1, "second_export": "shared"})
    api = tuple(int(part) for part in chosen.text("api_version").split("."))
    with make(profile=chosen, world=WORLD) as vc, Wire(vc).login() as user:
        leases = Leases(vc, user)
        for state, methods in EXPECTED.items():
            for method, fault in (methods | ALWAYS).items():
                moid = leases.into(state)
                name, arguments = METHODS[method]
                if api < SINCE.get(method, (4, 0)):
                    fault = "MethodNotFound"
                before = user.fetch("HttpNfcLease", moid, "error").data if state != "initializing" else b""
                answer = user.call(name, "HttpNfcLease", moid, arguments)
                assert answer.fault == fault, (state, method)
                if fault is not None and state != "initializing":
                    assert user.fetch("HttpNfcLease", moid, "error").data == before, "a refusal changes nothing"
                if fault == IA:
                    assert answer.texts("invalidProperty") == ["files"]
                user.call("HttpNfcLeaseAbort", "HttpNfcLease", moid)


@pytest.mark.parametrize("profile", PROFILES)
def test_a_lease_that_is_gone_is_not_found_and_one_without_a_session_needs_one(profile: str) -> None:
    chosen = load_profile(profile, {"done_lingers_s": 0})
    with make(profile=chosen, world=WORLD) as vc, Wire(vc).login() as user, Wire(vc) as nobody:
        leases = Leases(vc, user)
        gone, there = leases.into("done"), leases.ready()
        for method in ("progress", "complete", "abort", "manifest"):
            name, arguments = METHODS[method]
            answer = user.call(name, "HttpNfcLease", gone, arguments)
            assert answer.fault == "ManagedObjectNotFound"
            (obj,) = answer.detail
            assert (obj.get("type"), obj.text) == ("HttpNfcLease", gone)
            answer = nobody.call(name, "HttpNfcLease", there, arguments)
            assert answer.fault == "NotAuthenticated"
            assert reference(answer, "object") == ("HttpNfcLease", there)
            assert answer.texts("privilegeId") == ["System.View"] or answer.texts("privilegeId")[0]
        assert user.fetch("HttpNfcLease", gone, "state").fault == "ManagedObjectNotFound"


def reference(answer: Answer, name: str) -> tuple[str | None, str | None]:
    """The reference of that name in a fault."""
    (element,) = (e for e in answer.detail if str(e.tag).endswith("}" + name))
    return element.get("type"), element.text


@pytest.mark.parametrize("profile", [name for name in PROFILES if name.startswith("vcenter-")])
def test_what_exportvm_refuses_names_what_it_must(profile: str) -> None:
    with make(profile=profile, world=WORLD) as vc, Wire(vc).login() as user:

        def export(vm: str) -> Answer:
            return user.call("ExportVm", "VirtualMachine", user.moid("Vm", vm))

        for vm, power in (("ON", "poweredOn"), ("SUSPENDED", "suspended")):
            refused = export(vm)
            assert refused.fault == "InvalidPowerState"
            assert (refused.texts("requestedState"), refused.texts("existingState")) == (["poweredOff"], [power])
            assert "cannot be performed in the current state" in refused.message
        gone = export("GONE")
        assert gone.fault == "FileNotFound"
        assert gone.texts("file") == ["[LocalDS_0] GONE/GONE.iso"]
        assert gone.message == "File /vmfs/volumes/LocalDS_0/GONE/GONE.iso was not found"
        for vm in ("ENCRYPTED", "VTPM"):
            refused = export(vm)
            assert refused.fault == "NotSupported"
            assert refused.message == "The operation is not supported on the object."
            assert refused.texts("key") == ["com.vmware.vim.vpxd.encryption.opUnsupportedOnEncryptedVm"]
        assert vc.world.leases() == vc.world.tasks() == []
        assert not vc.about()["gaps"]


def test_a_snapshot_of_an_encrypted_machine_is_not_exported_either() -> None:
    with make(world=WORLD) as vc, Wire(vc).login() as user:
        answer = user.call("ExportSnapshot", "VirtualMachineSnapshot", user.moid("Snapshot", "s"))
        assert answer.fault == "NotSupported"
        assert answer.texts("key") == ["com.vmware.vim.vpxd.encryption.opUnsupportedOnEncryptedVm"]


def test_a_failed_preparation_shows_its_fault_on_lease_and_task_and_unlocks() -> None:
    chosen = load_profile("vcenter-8.0", {"missing_image": "lease", "lease_initializing_reads": 4})
    with make(profile=chosen, world=WORLD) as vc, Wire(vc).login() as user:
        leases = Leases(vc, user)
        moid = leases.export("GONE")
        progress = [user.fetch("HttpNfcLease", moid, "initializeProgress").texts("returnval") for _ in range(3)]
        assert progress == [["0"], ["25"], ["50"]]
        assert user.fetch("HttpNfcLease", moid, "info").texts("url") == []
        assert leases.state(moid) == "error"
        for kind, of, path in (("HttpNfcLease", moid, "error"), ("Task", vc.world.tasks()[-1].moid, "info.error")):
            answer = user.fetch(kind, of, path)
            (fault,) = answer.root.iter("{urn:vim25}fault")
            assert fault.get(f"{{{XSI}}}type") == "FileNotFound"
        assert vc.world.vm("GONE").leases == frozenset()
        assert vc.world.tasks()[-1].value.state.value == "error"
