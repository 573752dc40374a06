"""Reading descriptors as rows of a world file: what was written comes back, and what is missing is named."""

from __future__ import annotations

import re
from typing import Any

import pytest
from pyVmomi import vim

from plain_pyvmomi import Plain
from twohop.fakes.ovf import read_descriptor
from vcenters import SMALL, make

ROW: dict[str, Any] = {
    "name": "web", "cpus": 2, "memory": "64 MiB", "disks": [SMALL, {**SMALL, "controller": "sata", "unit": 3}],
    "images": [
        {"empty": True, "unit": 1}, {"kind": "floppy", "empty": True, "backing": "host", "guest_control": False},
    ],
    "nics": [{"kind": "e1000", "slot": 77, "wake_on_lan": False}], "settings": {"memory_hot_add": True},
    "extra_config": {"guestinfo.role": "web"}, "nvram": True,
}  # fmt: skip


@pytest.fixture(scope="module")
def text() -> str:
    """The descriptor of one machine."""
    with make(world={"datacenters": [{"hosts": ["H0"], "vms": [ROW]}]}) as vc, Plain(vc) as me:
        result = me.content.ovfManager.CreateDescriptor(
            me.vm("web"), vim.OvfManager.CreateDescriptorParams(exportOption=["extraconfig"])
        )
        return str(result.ovfDescriptor)


def test_what_was_written_comes_back(text: str) -> None:
    rows = read_descriptor(text.encode())
    (row,) = rows["vms"]
    assert rows["networks"] == ["VM Network"]
    assert (row["name"], row["cpus"], row["memory"], row["hardware"]) == ("web", 2, 64 << 20, "vmx-13")
    assert [(d["size"], d["controller"], d["bus"], d["unit"]) for d in row["disks"]] == [
        (4 << 20, "pvscsi", 0, 0), (4 << 20, "sata", 0, 3),
    ]  # fmt: skip
    assert row["images"] == [
        {"kind": "iso", "controller": "ide", "bus": 0, "unit": 1, "empty": True, "guest_control": True},
        {"kind": "floppy", "unit": 0, "empty": True, "backing": "host", "guest_control": False},
    ]
    (nic,) = row["nics"]
    assert nic == {
        "network": "VM Network", "kind": "e1000", "connected": True, "slot": 77, "guest_control": True,
        "wake_on_lan": False,
    }  # fmt: skip
    assert [(c["kind"], c["slot"]) for c in row["controllers"]] == [("pvscsi", 160), ("sata", 34)]
    assert (row["slots"], row["settings"]["memory_hot_add"], row["settings"]["nested_hv"]) == (False, True, False)
    assert (row["extra_config"]["guestinfo.role"], row["nvram"]) == ("web", {"name": "nvram"})


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (r"(?s)^.*$", "<a", "the descriptor is no XML"),
        (r"(?s)^.*$", "<a/>", "one VirtualSystem or VirtualSystemCollection at its top; got 0"),
        (r"(?s)<VirtualHardwareSection.*</VirtualHardwareSection>", "", "lacks the VirtualHardwareSection of web"),
        (r"(?s)<DiskSection.*</DiskSection>", "", "lacks the disk of Hard disk 1"),
        (r"<rasd:ResourceType>3</", "<rasd:ResourceType>99</", "no machine has a device of resource type 99"),
        (r"<rasd:Parent>\d+</", "<rasd:Parent>99</", "lacks the parent of CD/DVD drive 1"),
        (r"<rasd:VirtualQuantity>2</", "<rasd:VirtualQuantity>two</", "is a whole number; got 'two'"),
        (r">VirtualSCSI<", ">warp<", "the descriptor has 'warp'"),
        (r"byte \* 2\^20", "KB * 3", "a capacity is counted in bytes"),
        (r'ovf:capacity="\d+"', 'ovf:capacity="-1"', "a capacity is a whole number; got '-1'"),
    ],
)
def test_what_no_world_file_can_say_is_refused_by_name(text: str, old: str, new: str, message: str) -> None:
    altered, count = re.subn(old, new, text, count=1)
    assert count == 1
    with pytest.raises(ValueError, match=re.escape(message)):
        read_descriptor(altered.encode())
