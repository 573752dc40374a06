"""The scenarios, row by row of section 12 of the fact sheet."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from ._scenario import Scenario

NFC = "/nfc/*"
DISK0, DISK1 = "disk-0.vmdk", "disk-1.vmdk"
EFI_AND_ISO = {
    "firmware": "efi", "disks": [{"size": "64 MiB", "data": "1 MiB"}],
    "images": [{"kind": "iso", "name": "tools.iso", "size": "4 KiB"}],
}  # fmt: skip


def rule(kind: str, match: Mapping[str, Any], times: int | None = None, **args: Any) -> dict[str, Any]:
    """Return a rule as plain data."""
    made: dict[str, Any] = {"match": dict(match), "action": {"kind": kind, "args": args}}
    return made if times is None else made | {"times": times}


_ROWS = (
    Scenario(
        "no-keep-alive", 1, "vmware/pyvmomi #333",
        "takes the lease for a task and waits, without Progress", "operation timeout: the lease is gone after 300 s",
        "renews while it reads",
        faults=[rule("stall", {"path": NFC, "nth": 1}, seconds=400, after=65536)],
    ),
    Scenario(
        "import-without-keep-alive", 2, "vmware/pyvmomi-community-samples #368",
        "uploads for longer than 300 s without Progress", "the import stops after five minutes and nothing of it stays",
        "renews while it sends",
        fields={"lease_timeout_s": 300},
    ),
    Scenario(
        "star-host", 3, "vmware/pyvmomi #645, pyvmomi-community-samples PR #250",
        "uses the URL as it stands", "https://*/ha-nfc/...: there is no host of that name",
        "puts the host it is connected to in its place",
        product="esxi-8.0",
    ),
    Scenario(
        "slow-descriptor", 4, "vmware/pyvmomi-community-samples #417",
        "stops to renew when the bytes are there", "CreateDescriptor takes minutes, and then the lease has timed out",
        "renews until it completes",
        faults=[rule("slow", {"method": "CreateDescriptor", "nth": 1}, seconds=400)],
    ),
    Scenario(
        "attached-iso", 5, "pyvmomi-community-samples PR #319, PR #322",
        "takes targetId for the name of each file", "the ISO has no targetId, and the name is None",
        "takes the name from the URL where there is none",
        vm={"images": [{"kind": "iso", "name": "tools.iso", "size": "4 KiB"}]},
    ),
    Scenario(
        "deleted-iso", 5, "govmomi #2194, hashicorp/packer #10704",
        "expects ExportVm to be about disks alone", "File ... was not found, though nobody wanted the image",
        "says which file is missing and gives the lease up, if there is one",
        vm={"images": [{"kind": "iso", "name": "gone.iso", "missing": True}]},
    ),
    Scenario(
        "silent-gap", 6, "ansible #59361, #74101, PR #66580; community.vmware #947",
        "has a read timeout of 30 s", "The read operation timed out, on large disks", "waits as long as hosts do",
        faults=[rule("stall", {"path": NFC, "nth": 1}, seconds=60, after=65536)],
    ),
    Scenario(
        "unknown-length", 7, "govmomi #2967, #3440",
        "writes the capacity into the descriptor where no length was told", "ovf:size is not the size of the file",
        "writes how many bytes came",
    ),
    Scenario(
        "cut-mid-disk", 8, "govmomi #1025",
        "takes up where it was cut, with Range", "the bytes begin anew, and what is on disk is no disk",
        "begins anew under another lease",
        faults=[rule("cut", {"path": NFC, "nth": 1}, after=100_000)],
    ),
    Scenario(
        "cut-mid-upload", 8, "govmomi #1025",
        "sends each disk once", "Post .../disk-0.vmdk: EOF, in the middle of it; there is no resume",
        "sends the disk again from its first byte",
        faults=[rule("cut-upload", {"path": NFC, "verb": "POST", "nth": 1}, after=100_000)],
    ),
    Scenario(
        "busy-host", 9, "govmomi #1990",
        "asks the one host that the URL names, once", "503 Service Unavailable", "asks the next host of the hostMap",
        fields={"host_map": "present"},
        faults=[rule("status", {"path": NFC, "nth": 1}, status=503)],
    ),
    Scenario(
        "unreachable-host", 10,
        "govmomi #2157, hashicorp/packer #10327, packer-plugin-vsphere #41, bosh-vsphere-cpi #213",
        "asks the one host that the URL names", "vCenter answers, and the host cannot be reached",
        "asks the next host of the hostMap",
        fields={"host_map": "present"},
        faults=[rule("refuse", {"server": "DC0_C0_H0"})],
    ),
    Scenario(
        "error-without-abort", 11, "govmomi #3554",
        "leaves after an error", "lease, task and lock stay until the timeout", "aborts on every way out",
        faults=[rule("reset", {"path": NFC, "file": DISK1}, after=50_000)],
    ),
    Scenario(
        "never-completed", 12, "harvester/harvester #2880",
        "has all bytes and does not complete", "the task ends: Operation timed out", "completes, once",
    ),
    Scenario(
        "thin-and-slow", 13, "adminsyspro/proxcenter-ui #806, #807, PR #872",
        "counts its progress against the capacity", "0 % for 9.5 hours, when every byte is there too",
        "says what it knows, and renews with any number",
        vm={"disks": [{"size": "900 GiB", "data": "512 KiB"}]},
        faults=[rule("trickle", {"path": NFC}, bytes=65536, seconds=5700)],
    ),
    Scenario(
        "empty-second-disk", 14, "adminsyspro/proxcenter-ui, comments in v2v-pipeline.ts",
        "takes a 200 that ends as it should for a disk", "the second disk is a file of no bytes",
        "looks for the footer, and asks for another lease",
        faults=[rule("empty", {"path": NFC, "file": DISK1, "nth": 1})],
    ),
    Scenario(
        "short-disk", 14, "adminsyspro/proxcenter-ui, comments in v2v-pipeline.ts",
        "takes a 200 that ends as it should for a disk", "the disk has no footer",
        "looks for the footer, and asks for another lease",
        faults=[rule("short", {"path": NFC, "nth": 1}, less=1024)],
    ),
    Scenario(
        "nvram", 15, "packer-plugin-vsphere #95",
        "fetches only what is a disk", "the nvram is not in the package, and an EFI machine does not boot",
        "fetches it and has it described",
        vm={"firmware": "efi"},
    ),
    Scenario(
        "encrypted", 16, "packer-plugin-vsphere #790; powerclicore #53",
        "tries again what can never be", "ExportVm: NotSupported, each time", "says why and stops",
        vm={"encrypted": True, "firmware": "efi", "vtpm": True},
    ),
    Scenario(
        "nvram-not-found", 17, "hashicorp/packer #8010",
        "gives the export up for a file that it could do without", "404 on <vm>.nvram, and no disk either",
        "can be told to leave the nvram out",
        product="esxi-8.0", vm={"firmware": "efi"},
        faults=[rule("status", {"path": "/ha-nfc/*", "file": "*.nvram"}, status=404)],
    ),
    Scenario(
        "powered-on", 18, "josenk/terraform-provider-esxi #109; arencloud/rvvdk v032a",
        "tries again on a machine that is on", "InvalidState, then TaskInProgress; a task is left running",
        "looks at the power state first",
        product="esxi-8.0", vm={"power": "on"},
    ),
    Scenario(
        "blocking-read", 19, "vmware-skills/VMware-AIops #18; evoila/meho #3229",
        "reads a disk in one call, in the thread that would renew", "the lease times out in the middle of it",
        "renews from another thread",
        faults=[rule("trickle", {"path": NFC, "nth": 1}, bytes=65536, seconds=120)],
    ),
    Scenario(
        "failed-initialising", 20, "DoubleCloudInc/vim-rest-api #2",
        "waits for ready alone", "the lease goes from initializing to error, and the wait never ends",
        "waits for error too, and tells it",
        faults=[rule("failed-initialising", {}, type="FileFault", message="A file could not be read.")],
    ),
    Scenario(
        "missing-state", 21, "rbvmomi OvfManager.rb, PR 969599",
        "takes what it reads for a state", "under load the state is not in the answer", "reads again",
        faults=[rule("missing", {"type": "HttpNfcLease", "property": "state", "nth": 1}, times=3)],
    ),
    Scenario(
        "foreign-reply", 21, "rbvmomi OvfManager.rb, PR 1019166",
        "takes the answer to Complete as it comes", "RetrievePropertiesResponse: the client fails, the lease is done",
        "reads the state of the lease",
        faults=[rule("foreign", {"method": "HttpNfcLeaseComplete"})],
    ),
    Scenario(
        "boot-order", 22, "hashicorp/packer #9629",
        "imports a descriptor with a BootOrderSection as it stands",
        "a machine that looks right, and whose disks are empty",
        "takes the section out before it imports",
        product="vcenter-6.5", fields={"import_boot_order": "empty-disks"},
    ),
    Scenario(
        "manifest-spelling", 23, "home-assistant/operating-system #3654, nextcloud/vm #2607",
        "writes SHA2-256(name)= or SHA1 (name)= into the manifest",
        "whoever reads it as vCenter 8 does deploys nothing: Invalid OVF checksum algorithm",
        "writes SHA256(name)= hex",
    ),
    Scenario(
        "slow-initialising", 24, "vatesfr/xen-orchestra PR #7539",
        "looks for ready ten times", "the lease is still initializing", "waits for as long as it takes",
        faults=[rule("slow-initialising", {}, reads=25)],
    ),
    Scenario(
        "free-licence", 25, "arencloud/rvvdk v031",
        "expects that what can be read can be exported", "ExportVm: RestrictedVersion", "says why and stops",
        product="esxi-8.0", fields={"license": "free"},
    ),
    Scenario(
        "logout-without-abort", 26, "arencloud/rvvdk v032b",
        "logs out and leaves the lease", "task and lock outlive the session, up to the timeout", "aborts first",
    ),
    Scenario(
        "three-device-urls", 27, "arencloud/rvvdk v032b",
        "takes the first device URL for the disk", "the first of three is no disk", "asks each entry what it is",
        product="esxi-8.0", vm=EFI_AND_ISO,
    ),
    Scenario(
        "wrong-method", 28, "pyvmomi-community-samples #540, #398; cloudify-vsphere-plugin #238",
        "sends another method than the URL serves", "405", "GETs an export, POSTs an import",
    ),
    Scenario(
        "destroy-waits", 29, "apache/cloudstack #3408, PR #5374",
        "waits for Destroy during the export before it ends the lease", "Destroy is accepted and hangs",
        "ends the lease first",
        fields={"locked_destroy": "waits"},
    ),
    Scenario(
        "duplicate-export", 30, "pyvmomi SoapAdapter.py",
        "sends ExportVm again after a cut", "two leases on one machine, and it knows of one", "asks once",
        faults=[rule("cut", {"method": "ExportVm", "nth": 1})],
    ),
)  # fmt: skip

SCENARIOS: Mapping[str, Scenario] = MappingProxyType({each.name: each for each in _ROWS})
"""Every scenario by its name, in the order of the rows."""
