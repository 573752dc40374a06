"""Files of a datastore over HTTPS: who may read which, and what the configuration of a machine says."""

from __future__ import annotations

from typing import Any

import pytest
import urllib3

from soap_wire import Wire
from twohop.fakes import ESXi, VCenter

DISKS = [{"size": "1 MiB", "data": 0}, {"size": "1 MiB", "data": 0, "controller": "sata"}]
MACHINE = {
    "name": 'a "b"|c',
    "disks": DISKS,
    "firmware": "efi",
    "images": [{"kind": "iso", "size": "4 KiB"}],
    "note": "two\nlines",
}
READER = {"name": "reader@vsphere.local", "password": "r", "role": "ReadOnly"}
WORLD: dict[str, Any] = {"datacenters": [{"name": "DC0", "hosts": ["H0"], "vms": [MACHINE]}]}
QUERY = {"dcPath": "DC0", "dsName": "LocalDS_0"}


class Client:
    """Asks for paths below /folder/, as the administrator unless told otherwise."""

    def __init__(self, vc: VCenter | ESXi) -> None:
        self.vc = vc
        self.pool = urllib3.PoolManager(ca_certs=str(vc.ca_file), retries=False, timeout=30)

    def ask(self, path: str, method: str = "GET", headers: Any = None, query: Any = QUERY) -> urllib3.BaseHTTPResponse:
        told = urllib3.make_headers(basic_auth=f"{self.vc.user}:{self.vc.password}") if headers is None else headers
        return self.pool.request(method, f"{self.vc.url}/folder/{path}", fields=query, headers=told)


@pytest.fixture
def client() -> Any:
    with VCenter(world=WORLD, users=[READER]) as vc:
        found = Client(vc)
        yield found
        found.pool.clear()


def path_of(client: Client) -> str:
    return str(client.vc.world.vms()[0].vmx.partition("] ")[2])


def vmx(client: Client) -> dict[str, str]:
    answer = client.ask(path_of(client))
    assert answer.status == 200, answer.status
    rows = (line.split(" = ", 1) for line in answer.data.decode().splitlines())
    return {key: value.strip('"') for key, value in rows}


def test_a_configuration_says_what_the_machine_has(client: Client) -> None:
    told = vmx(client)
    assert told["displayName"] == "a |22b|22|7Cc"
    assert told["annotation"] == "two|0Alines"
    assert (told["firmware"], told["scsi0.virtualDev"], told["scsi0:0.present"]) == ("efi", "pvscsi", "TRUE")
    assert told["sata0:0.fileName"].endswith(".vmdk")
    assert [value for key, value in told.items() if key.endswith("deviceType")] == ["scsi-hardDisk", "cdrom-image"]
    assert told["ethernet0.generatedAddress"] == client.vc.world.vms()[0].nics[0].mac
    assert told["uuid.bios"].replace(" ", "").replace("-", "") == client.vc.world.vms()[0].uuid.replace("-", "")


def test_images_and_nvram_are_files_too(client: Client) -> None:
    (vm,) = client.vc.world.vms()
    assert vm.nvram is not None
    for file in (vm.nvram, *vm.images):
        assert file.content is not None
        answer = client.ask(file.file_name.partition("] ")[2])
        assert (answer.status, answer.data) == (200, b"".join(file.content.pieces()))
        head = client.ask(file.file_name.partition("] ")[2], "HEAD")
        assert (head.headers["Content-Length"], head.data) == (str(file.content.size), b"")


@pytest.mark.parametrize(
    "headers", [{}, {"Authorization": "Basic eDp5"}, {"Authorization": "Bearer x"}, {"Cookie": "a=b"}]
)
def test_who_says_nothing_right_is_asked_who_it_is(client: Client, headers: dict[str, str]) -> None:
    answer = client.ask(path_of(client), headers=headers)
    assert (answer.status, answer.headers["WWW-Authenticate"][:5]) == (401, "Basic")


def test_a_session_opens_what_its_user_may_browse(client: Client) -> None:
    with Wire(client.vc).login() as wire:
        assert wire.cookie is not None
        assert client.ask(path_of(client), headers={"Cookie": wire.cookie}).status == 200
    reader = urllib3.make_headers(basic_auth=f"{READER['name']}:{READER['password']}")
    assert client.ask(path_of(client), headers=reader).status == 403


@pytest.mark.parametrize(
    ("path", "query", "status"),
    [
        ("../../etc/passwd", QUERY, 404),
        ("%2e%2e/%2e%2e/etc/passwd", QUERY, 404),
        ("nothing/nothing.vmx", QUERY, 404),
        ("{vmx}", {"dcPath": "DC1", "dsName": "LocalDS_0"}, 404),
        ("{vmx}", {"dcPath": "DC0", "dsName": "other"}, 404),
        ("{vmx}", {"dcPath": "DC0"}, 404),
        ("{vmx}", {"dsName": "LocalDS_0"}, 200),
        ("", QUERY, 501),
        ("{disk}", QUERY, 501),
    ],
)
def test_only_a_known_file_of_a_known_datastore_is_served(client: Client, path: str, query: Any, status: int) -> None:
    disk = client.vc.world.vms()[0].disks[0].file_name.partition("] ")[2]
    asked = path.replace("{vmx}", path_of(client)).replace("{disk}", disk)
    assert client.ask(asked, query=query).status == status
    assert ("lists and disks of a datastore over HTTP" in client.vc.about()["gaps"]) == (status == 501)


def test_an_upload_is_a_gap_that_says_so(client: Client) -> None:
    url = f"{client.vc.url}/folder/new.iso?dcPath=DC0&dsName=LocalDS_0"
    assert client.pool.request("PUT", url, body=b"x").status == 501
    assert client.vc.about()["gaps"]["files put into a datastore over HTTP"] == 1


def test_a_standalone_host_serves_them_under_its_own_datacenter() -> None:
    with ESXi(vms=1) as host:
        client = Client(host)
        answer = client.ask(path_of(client), query={"dcPath": "ha-datacenter", "dsName": "LocalDS_0"})
        client.pool.clear()
        assert answer.status == 200
        assert b'virtualHW.version = "13"' in answer.data
