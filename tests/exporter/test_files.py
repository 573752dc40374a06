"""What a lease offers: hosts put in where the server left a star, other hosts, pins, names."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pyVmomi import vim

from twohop.exporter import (
    BadAnswer,
    BadStream,
    DeviceFile,
    Event,
    HostBusy,
    HostChosen,
    HostRefused,
    HostUnreachable,
    ShortStream,
    VCenterAddress,
    WrongThumbprint,
)
from twohop.exporter.engine import Fetched, run
from twohop.exporter.engine._actions import Tell
from twohop.exporter.engine._files import Hosts, fetch_file
from twohop.exporter.vsphere import Source
from twohop.exporter.vsphere._files import device_files

PIN = ":".join(["AB"] * 20)
OTHER = ":".join(["CD"] * 20)


def info(*devices: Any, hosts: list[Any] | None = None) -> Any:
    return vim.HttpNfcLease.Info(
        lease=vim.HttpNfcLease("session[x]y", None),
        entity=vim.VirtualMachine("vm-1", None),
        deviceUrl=list(devices),
        totalDiskCapacityInKB=1,
        leaseTimeout=300,
        hostMap=hosts or [],
    )


def device(url: str, thumbprint: str = PIN, **more: Any) -> Any:
    return vim.HttpNfcLease.DeviceUrl(key="/vm-1/x0:0", importKey="", url=url, sslThumbprint=thumbprint, **more)


@pytest.mark.parametrize(
    ("server", "pin", "url", "thumbprint", "expected"),
    [
        (
            "https://esx:8443",
            OTHER,
            "https://*/ha-nfc/t/disk-0.vmdk",
            "",
            ("https://esx:8443/ha-nfc/t/disk-0.vmdk", OTHER),
        ),
        ("https://esx", None, "https://*/ha-nfc/t/disk-0.vmdk", PIN, ("https://esx:443/ha-nfc/t/disk-0.vmdk", PIN)),
        ("https://[::1]:9", None, "https://*:444/n/t/d", "", ("https://[::1]:444/n/t/d", None)),
        ("https://vc", OTHER, "https://esx1/nfc/t/disk-0.vmdk", PIN, ("https://esx1/nfc/t/disk-0.vmdk", PIN)),
        ("https://vc", OTHER, "https://esx1/nfc/t/disk-0.vmdk", "", ("https://esx1/nfc/t/disk-0.vmdk", None)),
    ],
)
def test_a_star_means_the_server_we_are_connected_to(
    server: str, pin: str | None, url: str, thumbprint: str, expected: tuple[str, str | None]
) -> None:
    address = VCenterAddress(server, "u", "p", thumbprint=pin)
    [entry] = device_files(info(device(url, thumbprint)), address)
    assert (entry.url, entry.thumbprint) == expected


def test_other_hosts_of_the_datastore_are_alternatives() -> None:
    hosts = [
        vim.HttpNfcLease.DatastoreLeaseInfo(
            datastoreKey=key,
            hosts=[vim.HttpNfcLease.HostInfo(url=f"https://{h}/nfc/t/", sslThumbprint=OTHER) for h in names],
        )
        for key, names in (("ds-1", ["esx2", "esx3"]), ("ds-2", ["esx4"]))
    ]
    first = device("https://esx1/nfc/t/disk-0.vmdk", disk=True, targetId="disk-0.vmdk", datastoreKey="ds-1")
    image = device("https://esx1/nfc/t/disk-1.iso", disk=False, fileSize=7)
    entry, iso = device_files(info(first, image, hosts=hosts), VCenterAddress("https://vc", "u", "p"))
    assert entry.sources == (
        Source("https://esx1/nfc/t/disk-0.vmdk", PIN),
        Source("https://esx2/nfc/t/disk-0.vmdk", OTHER),
        Source("https://esx3/nfc/t/disk-0.vmdk", OTHER),
    )
    assert (iso.alternatives, iso.target_id, iso.file_size, iso.is_disk, iso.url_name) == (
        (),
        None,
        7,
        False,
        "disk-1.iso",
    )


def test_a_vm_without_files_offers_none() -> None:
    assert device_files(info(), VCenterAddress("https://vc", "u", "p")) == ()


def turns(steps: Any, answers: dict[str, Any]) -> tuple[Any, list[str]]:
    """Drive the steps of one file, where each host answers as told; give the result and the events."""
    told: list[Event] = []

    def perform(action: Any) -> Any:
        if isinstance(action, Tell):
            told.append(action.event)
            return None
        answer = answers[action.source.host]
        if isinstance(answer, Exception):
            raise answer
        return answer

    made = run(steps, perform, lambda: None)
    return made, [f"{e.host}: {e.why}" for e in told if isinstance(e, HostChosen)]


GOOD = Fetched(7, {"SHA256": "00" * 32}, 0.1, None, Path("disk.vmdk"))
DOWN = HostUnreachable("no route")


def two_hosts(key: str = "k") -> DeviceFile:
    return DeviceFile(key, "https://one:1/x", "t", True, alternatives=(Source("https://two:2/x"),))


@pytest.mark.parametrize("error", [DOWN, HostBusy("503")])
def test_a_host_that_is_down_or_busy_is_passed_over_while_there_is_another(error: Exception) -> None:
    hosts = Hosts()
    got, chosen = turns(fetch_file(two_hosts(), "disk.vmdk", (), hosts, 0), {"one:1": error, "two:2": GOOD})
    assert (got.name, got.host) == ("disk.vmdk", "two:2")
    assert chosen == ["one:1: the lease names it", "two:2: instead of one:1"]
    _, chosen = turns(fetch_file(two_hosts("l"), "b.vmdk", (), hosts, 0), {"two:2": GOOD})
    assert chosen == ["two:2: one:1 was not to be had before"]


@pytest.mark.parametrize("error", [HostRefused("404"), WrongThumbprint("another"), ShortStream("cut")])
def test_any_other_failure_is_no_reason_to_ask_another_host(error: Exception) -> None:
    with pytest.raises(type(error)):
        turns(fetch_file(two_hosts(), "disk.vmdk", (), Hosts(), 0), {"one:1": error, "two:2": GOOD})


def test_where_no_host_is_up_all_of_them_are_named() -> None:
    with pytest.raises(HostUnreachable, match=r"none of one:1, two:2 can be reached"):
        turns(fetch_file(two_hosts(), "disk.vmdk", (), Hosts(), 0), {"one:1": DOWN, "two:2": DOWN})


def test_a_disk_larger_than_all_disks_of_the_lease_is_none_of_them() -> None:
    large = replace(GOOD, capacity=2 << 30)
    assert turns(fetch_file(two_hosts(), "d.vmdk", (), Hosts(), 2 << 30), {"one:1": large})
    with pytest.raises(BadStream, match="all disks of the lease have 1073741824"):
        turns(fetch_file(two_hosts(), "d.vmdk", (), Hosts(), 1 << 30), {"one:1": large})


@pytest.mark.parametrize("url", ["https://[::1/x", "https://h:99999999/x", "https://[h]/x"])
def test_what_is_no_url_is_refused(url: str) -> None:
    with pytest.raises(BadAnswer, match="something that is no URL"):
        device_files(info(device(url)), VCenterAddress("https://vc", "u", "p"))
