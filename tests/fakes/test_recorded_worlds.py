"""Worlds built from what a recording tells: objects and values are its, what is set at all is the fake's to say."""

from __future__ import annotations

from typing import Any

import pytest
from pyVmomi import vim

from twohop.fakes import ESXi, VCenter
from twohop.fakes.vim._registry import newest_known, version_for
from twohop.fakes.vim._service import Call
from twohop.fakes.vim._vocabulary import Vocabulary, vocabulary_of

XSI = 'xmlns="urn:vim25" xmlns:xsd="http://www.w3.org/2001/XMLSchema" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
SPEC = {
    "twohop": 1,
    "datacenters": [
        {
            "name": "DC",
            "clusters": [{"name": "C", "hosts": ["H"]}],
            "datastores": [{"name": "D"}],
            "vms": [{"name": "off"}, {"name": "on", "power": "on", "tools": True}],
        }
    ],
}


def val(kind: str, inner: str) -> str:
    return f'<val {XSI} xsi:type="{kind}">{inner}</val>'


def read(fake: Any, moid: str, path: str) -> Any:
    service = fake._service
    session = service.sessions.open(service.sessions.new_cookie(), fake.user, "127.0.0.1", "")
    call = Call(service, session, version_for("", newest_known(fake.profile.text("api_version"))))
    target = service.find(None, vim.ManagedEntity(moid, None))
    return service.kind_of(target).read(call, target, path)


def adopted(properties: dict[str, str], unset: tuple[str, ...] = (), kind: str = "VirtualMachine") -> VCenter:
    fake = VCenter(world=SPEC)
    fake.adopt({"vm-7": {"type": kind, "properties": properties, "unset": list(unset)}})
    return fake


def test_values_are_those_of_the_recording() -> None:
    fake = adopted({"name": val("xsd:string", "seven"), "config.hardware.numCPU": val("xsd:int", "6")})
    assert read(fake, "vm-7", "name") == "seven"
    assert read(fake, "vm-7", "config").hardware.numCPU == 6
    assert read(fake, "vm-7", "summary").config.numCpu == 6


def test_what_cannot_be_read_of_a_value_leaves_the_rest_of_it() -> None:
    # Scrubbed by hand, or told by a server that is newer than this pyVmomi.
    runtime = "<powerState>poweredOn</powerState><faultToleranceState></faultToleranceState><bootTime>xxxx</bootTime>"
    config = "<name>seven</name><numCpu>two</numCpu><memorySizeMB>64</memorySizeMB><strange><x>1</x></strange>"
    summary = f"<runtime>{runtime}</runtime><config>{config}</config><overallStatus>purple</overallStatus>"
    fake = adopted({"summary": val("VirtualMachineSummary", summary)})
    machine = fake.world.vm("seven")
    assert (machine.power.value, machine.memory_mib) == ("poweredOn", 64)
    assert read(fake, "vm-7", "summary").overallStatus == "green"


def test_a_value_of_which_nothing_can_be_read_is_given_up_soon() -> None:
    assert read(adopted({"summary": val("Nonsense", "<a><b>1</b></a>" * 5000)}), "vm-7", "summary") is not None


def test_a_field_that_the_fake_never_sets_is_not_taken_from_a_recording() -> None:
    config = "<name>a</name><cpuHotAddEnabled>true</cpuHotAddEnabled><npivDesiredNodeWwns>1</npivDesiredNodeWwns>"
    fake = adopted({"config": val("VirtualMachineConfigInfo", config)})
    told = read(fake, "vm-7", "config")
    assert (told.name, told.cpuHotAddEnabled, told.npivDesiredNodeWwns) == ("a", True, None)


def test_a_type_that_the_fake_never_tells_there_is_not_taken_either() -> None:
    devices = "".join(
        f'<VirtualDevice xsi:type="{kind}"><key>{key}</key></VirtualDevice>'
        for key, kind in ((13000, "VirtualSoundBlaster16"), (500, "VirtualMachineVideoCard"))
    )
    fake = adopted({"config.hardware.device": val("ArrayOfVirtualDevice", devices)})
    told = read(fake, "vm-7", "config.hardware.device")
    assert [type(device)._wsdlName for device in told] == ["VirtualMachineVideoCard"]
    # What a card always says here, this one says too.
    assert told[0].videoRamSizeInKB and told[0].deviceInfo.label


def test_a_property_that_the_fake_has_not_is_not_made_up_by_a_recording() -> None:
    fake = adopted({"environmentBrowser": val("ManagedObjectReference", "x")}, ("guest", "snapshot", "name"))
    assert read(fake, "vm-7", "snapshot") is None
    # Every machine here has a name and a guest, so a recording that says otherwise shows the difference.
    assert read(fake, "vm-7", "name") and read(fake, "vm-7", "guest") is not None


@pytest.mark.parametrize("server", [VCenter, ESXi])
def test_a_vocabulary_is_heard_without_a_trace(server: type[VCenter | ESXi]) -> None:
    fake = server()
    before = (fake.world.revision, len(fake._service.sessions.active()), len(fake._service.history.events))
    heard = vocabulary_of(fake._service)
    assert before == (fake.world.revision, len(fake._service.sessions.active()), len(fake._service.history.events))
    assert heard.always("VirtualMachine", "name") and heard.always("VirtualMachineConfigInfo", "hardware")
    assert heard.knows("VirtualMachineGuestSummary", "toolsStatus")
    assert not heard.knows("VirtualMachineConfigInfo", "npivDesiredNodeWwns")
    assert not heard.always("VirtualMachineRuntimeInfo", "bootTime"), "a machine that is off has none"


def test_a_vocabulary_tells_always_from_sometimes() -> None:
    heard = Vocabulary()
    for label in ("a", None):
        info = vim.host.IpConfig(dhcp=True, ipAddress="x") if label else None
        heard.hear("Thing", [("name", "n"), ("info", info), ("list", [])])
    assert (heard.always("Thing", "name"), heard.always("Thing", "info"), heard.knows("Thing", "info")) == (
        True,
        False,
        True,
    )
    assert not heard.knows("Thing", "list") and not heard.knows("Other", "name")
    assert heard.fitted("Thing", "list", ["a"], None) is None
    assert heard.fitted("Thing", "name", "mine", "n") == "mine"
    assert heard.fitted("Thing", "info", vim.host.IpConfig(dhcp=False), None).ipAddress == "x"


def ref(kind: str, moid: str) -> str:
    return f'<val {XSI} type="{kind}" xsi:type="ManagedObjectReference">{moid}</val>'


POOL, FOLDER, MACHINE, STORE = "ResourcePool", "Folder", "VirtualMachine", "Datastore"
STRANGE = {
    "pools in a ring": {
        "p-1": (POOL, {"parent": ref(POOL, "p-2")}), "p-2": (POOL, {"parent": ref(POOL, "p-1")}),
        "vm-1": (MACHINE, {"resourcePool": ref(POOL, "p-1")}),
    },
    "a folder in itself": {
        "f-1": (FOLDER, {"parent": ref(FOLDER, "f-1")}), "vm-1": (MACHINE, {"parent": ref(FOLDER, "f-1")}),
    },
    "a datacenter in its folder": {
        "dc-1": ("Datacenter", {"parent": ref(FOLDER, "f-9"), "vmFolder": ref(FOLDER, "f-9")}),
        "f-9": (FOLDER, {"parent": ref("Datacenter", "dc-1")}),
    },
    "a datastore below itself": {
        "f-1": (FOLDER, {"parent": ref(FOLDER, "f-1")}), "ds-1": (STORE, {"parent": ref(FOLDER, "f-1")}),
        "host-1": ("HostSystem", {}),
    },
    "a host in a machine in it": {
        "host-1": ("HostSystem", {"parent": ref(MACHINE, "vm-1")}),
        "vm-1": (MACHINE, {"parent": ref("HostSystem", "host-1")}),
    },
    "words for numbers": {
        "vm-1": (MACHINE, {
            "runtime.powerState": val("xsd:string", "flying"), "config.hardware.numCPU": val("xsd:string", "many"),
            "config.hardware.device": val("xsd:string", "none"), "name": ref(FOLDER, "f-9"),
        }),
        "ds-1": (STORE, {"summary.capacity": val("xsd:string", "much")}),
        "ds-2": (STORE, {"summary.capacity": val("xsd:long", "-5")}),
    },
    "a disk on a keyboard": {
        "vm-1": (MACHINE, {
            "config.hardware.device": val(
                "ArrayOfVirtualDevice",
                '<VirtualDevice xsi:type="VirtualDisk"><key>2000</key><controllerKey>600</controllerKey>'
                '<capacityInKB>-1</capacityInKB></VirtualDevice>'
                '<VirtualDevice xsi:type="VirtualKeyboard"><key>600</key></VirtualDevice>',
            )
        })
    },
    "types that nothing is of": {
        "x": ("Nonsense", {}), "y": ("Description", {}), "z": ("ManagedEntity", {}), "": (MACHINE, {}),
    },
}  # fmt: skip


@pytest.mark.parametrize("server", [VCenter, ESXi])
@pytest.mark.parametrize("name", STRANGE)
def test_what_cannot_be_is_built_as_something_that_can(server: type[VCenter | ESXi], name: str) -> None:
    fake = server()
    fake.adopt({moid: {"type": kind, "properties": told} for moid, (kind, told) in STRANGE[name].items()})
    assert vocabulary_of(fake._service).knows("Folder", "childEntity")
    for entity in fake.world.objects.values():
        assert entity is fake.world.root or entity.parent in fake.world.objects.values()
        assert fake.world.path_of(entity) is not None


def test_a_machine_whose_guest_speaks_is_running() -> None:
    fake = adopted({"guest.ipAddress": val("xsd:string", "192.0.2.7")})
    assert read(fake, "vm-7", "runtime.powerState") == "poweredOn"
    assert read(fake, "vm-7", "guest").ipAddress == "192.0.2.7"
    assert read(fake, "vm-7", "guest").toolsRunningStatus == "guestToolsRunning"
