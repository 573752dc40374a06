"""Logging in, finding, and what a user reads when it does not work."""

from __future__ import annotations

import contextlib
import copy
import re
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from twohop.exporter import (
    Ambiguous,
    BadAddress,
    ExportError,
    HostUnreachable,
    LoginRefused,
    NotFound,
    Untrusted,
    VCenterAddress,
    VSphere,
    WrongThumbprint,
)
from twohop.exporter.vsphere._faults import explained
from twohop.fakes import VCenter, default_spec
from twohop.runtime.observing import Observations, observing_connection


@pytest.fixture(scope="module")
def vc() -> Iterator[VCenter]:
    spec = default_spec()
    other = copy.deepcopy(spec["datacenters"][0])
    other["name"] = "DC1"
    other["clusters"] = [{"name": "DC1_C0", "hosts": ["DC1_C0_H0"]}]
    other["datastores"] = [{"name": "LocalDS_1"}]
    other["vms"] = [{"name": "DC0_C0_RP0_VM0", "host": "DC1_C0_H0"}, {"name": "only here", "host": "DC1_C0_H0"}]
    spec["datacenters"].append(other)
    with VCenter(world=spec) as running:
        yield running


def address(vc: VCenter, **changes: Any) -> VCenterAddress:
    settings = {"url": vc.url, "user": vc.user, "password": vc.password, "ca_file": vc.ca_file, **changes}
    return VCenterAddress(**settings)


def test_things_are_found_by_name_and_by_path(vc: VCenter) -> None:
    with VSphere(address(vc)) as vsphere:
        found = vsphere.find_vm("only here")
        assert vsphere.name_of(found) == "only here"
        assert vsphere.power_state(found) == "poweredOff"
        assert vsphere.find_vm("/DC1/vm/only here")._moId == found._moId
        assert vsphere.power_state(vsphere.find_vm("DC0_C0_RP0_VM1")) == "poweredOn"
        first, second = (vsphere.find_vm(f"{dc}/vm/DC0_C0_RP0_VM0") for dc in ("DC0", "DC1"))
        assert first._moId != second._moId


@pytest.mark.parametrize(
    ("name", "error", "words"),
    [
        ("DC0_C0_RP0_VM0", Ambiguous, r"/DC0/vm/DC0_C0_RP0_VM0 \(moid:vm-\d+\), /DC1/vm/DC0_C0_RP0_VM0 \(moid:"),
        ("DC0_C0_RP0_VM7", NotFound, "did you mean DC0_C0_RP0_VM"),
        ("zzz", NotFound, "this user sees 4 in this inventory"),
        ("/DC0/vm/zzz", NotFound, "there is nothing"),
        ("/DC0/vm", NotFound, "there is a Folder"),
    ],
)
def test_what_is_not_found_is_the_users_to_correct(
    vc: VCenter, name: str, error: type[ExportError], words: str
) -> None:
    with VSphere(address(vc)) as vsphere, pytest.raises(error) as caught:
        vsphere.find_vm(name)
    assert re.search(words, str(caught.value))
    assert caught.value.whose == "you"


def test_a_wrong_password(vc: VCenter) -> None:
    with (
        pytest.raises(LoginRefused, match="incorrect user name or password") as caught,
        VSphere(address(vc, password="Wr0ng-and-secret")),
    ):
        pass
    assert caught.value.whose == "you"
    assert "Wr0ng" not in str(caught.value)
    assert "Wr0ng" not in repr(address(vc, password="Wr0ng-and-secret"))


def test_a_pin_replaces_the_authority(vc: VCenter) -> None:
    for pin in (vc.thumbprint, vc.thumbprint.lower(), vc.thumbprint.replace(":", "")):
        with VSphere(address(vc, ca_file=None, thumbprint=pin)) as vsphere:
            assert vsphere.version[0].isdigit()


def test_a_wrong_pin_ends_before_a_byte_is_sent() -> None:
    wrong = ":".join(["AB"] * 20)
    with (
        VCenter() as vc,
        pytest.raises(WrongThumbprint, match=f"{vc.thumbprint}, expected {wrong}; nothing was sent") as caught,
        VSphere(address(vc, thumbprint=wrong)),
    ):
        pass
    assert caught.value.whose == "vCenter"
    assert vc.journal.entries(kind="exchange") == []


def test_a_pin_refuses_a_server_that_shows_no_certificate(tmp_path: Path) -> None:
    """TLS has ciphers without certificates; whoever agrees to one has not been seen to hold the pinned key."""

    def anonymous(side: int) -> ssl.SSLContext:
        context = ssl.SSLContext(side)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        context.set_ciphers("AECDH-AES256-SHA:@SECLEVEL=0")
        return context

    heard: list[bytes] = []

    def serve() -> None:
        connection, _ = listener.accept()
        with contextlib.suppress(OSError), server.wrap_socket(connection, server_side=True) as tls:
            heard.append(tls.recv(1))

    server = anonymous(ssl.PROTOCOL_TLS_SERVER)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        host, port = listener.getsockname()
        scheme = observing_connection(None, ":".join(["AB"] * 20))
        connection = scheme(host, port, context=anonymous(ssl.PROTOCOL_TLS_CLIENT), timeout=30)
        with (
            pytest.raises(WrongThumbprint, match="thumbprint none, expected AB"),
            explained("log in", "vc:443"),
            contextlib.closing(connection),
        ):
            connection.request("GET", "/")
        thread.join()
    assert heard in ([], [b""])


def test_an_unknown_authority_is_not_believed_unless_asked(vc: VCenter) -> None:
    with pytest.raises(Untrusted, match="--ca-file"), VSphere(address(vc, ca_file=None)):
        pass
    with VSphere(address(vc, ca_file=None, insecure=True)) as vsphere:
        assert vsphere.find_vm("only here")


@pytest.mark.parametrize("url", ["https://127.0.0.1:1", "https://no-such-host.invalid"])
def test_a_vcenter_that_is_not_there(vc: VCenter, url: str) -> None:
    with pytest.raises(HostUnreachable, match="check the address") as caught, VSphere(address(vc, url=url)):
        pass
    assert caught.value.whose == "vCenter"


@pytest.mark.parametrize(
    "changes",
    [
        {"url": "http://127.0.0.1"},
        {"url": "https://user:pass-word@127.0.0.1"},
        {"url": "https://user:pass-word/x@127.0.0.1"},
        {"url": "https://user:x@pass-word@127.0.0.1"},
        {"url": "https://"},
        {"url": "https://127.0.0.1:99999"},
        {"thumbprint": "12:34"},
        {"thumbprint": "AB" * 32},
    ],
)
def test_addresses_that_cannot_be_meant(vc: VCenter, changes: dict[str, str]) -> None:
    with pytest.raises(BadAddress) as caught:
        address(vc, **changes)
    assert "pass-word" not in str(caught.value)


def test_an_authority_that_cannot_be_read(vc: VCenter, tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("nonsense")
    for path in (tmp_path / "ca.pem", tmp_path / "none.pem"):
        with pytest.raises(BadAddress, match="give a PEM file"), VSphere(address(vc, ca_file=path)):
            pass


def test_every_call_is_seen_and_no_secret_is(vc: VCenter) -> None:
    observations = Observations(vc.clock.now)
    with VSphere(address(vc), observer=observations.observer("user")) as vsphere:
        vsphere.find_vm("only here")
    texts = [str(each.to_json()) for each in observations.exchanges]
    assert "vimServiceVersions.xml" in texts[0]
    assert "<Login " in texts[2] and "<Logout " in texts[-1]
    assert not any(vc.password in text for text in texts)
    assert {each.conn.thumbprint for each in observations.exchanges} == {vc.thumbprint}
