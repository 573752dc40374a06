"""One URL becomes a verified file, or an error that says whose fault it was and no file at all."""

from __future__ import annotations

import hashlib
import resource
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from exporter.host_by_hand import TICKET, App, HostByHand, chunked, host, raw_host
from twohop.exporter import (
    AlreadyThere,
    BadAddress,
    BadStream,
    Cancellation,
    Cancelled,
    DeviceFile,
    ExportError,
    HostRefused,
    HostUnreachable,
    ShortStream,
    TargetFull,
    TargetRefused,
    Untrusted,
    WrongThumbprint,
    fetch,
)
from twohop.fakes.vmdk import SeededContent, stream
from twohop.runtime.observing import Observations
from twohop.runtime.serving import Cut
from vmdk_images import GENUINE

DISK = b"".join(stream(SeededContent(capacity=64 << 20, data=3 << 20, seed=7), cid=7))


def sends(body: bytes, *headers: tuple[str, str], step: int = 100_000, end: Exception | None = None) -> App:
    """An answer of 200 with `body` in pieces, which ends by raising `end` where one is given."""

    def pieces() -> Iterator[bytes]:
        for at in range(0, len(body), step):
            yield body[at : at + step]
        if end is not None:
            raise end

    def app(environ: dict[str, Any], start: Callable[..., Any]) -> Iterator[bytes]:
        start("200 OK", list(headers))
        return pieces()

    return app


def falls_silent(release: threading.Event) -> App:
    """An answer that sends a bit of a disk and then nothing until `release` is set."""

    def pieces() -> Iterator[bytes]:
        yield DISK[:70_000]
        release.wait()

    def app(environ: dict[str, Any], start: Callable[..., Any]) -> Iterator[bytes]:
        start("200 OK", [])
        return pieces()

    return app


def answers(status: str, *headers: tuple[str, str]) -> App:
    def app(environ: dict[str, Any], start: Callable[..., Any]) -> list[bytes]:
        start(status, list(headers))
        return [b"no"]

    return app


def refused(app: App, tmp_path: Path, kind: type[ExportError], match: str, **changes: Any) -> HostByHand:
    """Fetch from `app`, expect an error, and see that no file is left."""
    target = tmp_path / "out"
    target.mkdir()
    with host(app, tmp_path) as esx:
        with pytest.raises(kind, match=match) as caught:
            fetch(esx.entry(**changes), target / "disk.vmdk")
        assert TICKET not in str(caught.value)
        assert "\n" not in str(caught.value)
    assert list(target.iterdir()) == []
    return esx


@pytest.mark.parametrize("framing", ["chunked", "length"])
def test_a_whole_disk_arrives_as_it_was_sent(tmp_path: Path, framing: str) -> None:
    headers = [("Content-Length", str(len(DISK)))] if framing == "length" else []
    moved: list[int] = []
    with host(sends(DISK, *headers), tmp_path) as esx:
        got = fetch(esx.entry(), tmp_path / "disk.vmdk", on_bytes=moved.append)
    path = tmp_path / "disk.vmdk"
    assert path.read_bytes() == DISK
    assert path.stat().st_mode & 0o777 == 0o600
    assert (got.size, got.sha256, got.framing) == (len(DISK), hashlib.sha256(DISK).hexdigest(), framing)
    assert got.host == esx.server.authority
    assert moved == sorted(moved) and moved[-1] == len(DISK)
    assert [(r["REQUEST_METHOD"], "HTTP_COOKIE" in r, "HTTP_RANGE" in r) for r in esx.requests] == [
        ("GET", False, False)
    ]


def test_the_exchange_is_shown_with_its_digest_and_the_certificate(tmp_path: Path) -> None:
    observations = Observations(lambda: 5.0)
    with host(sends(DISK), tmp_path) as esx:
        fetch(esx.entry(), tmp_path / "disk.vmdk", observer=observations.observer("cell"))
    [seen] = observations.exchanges
    assert seen.response is not None and seen.response.digest is not None
    assert seen.response.digest.sha256 == hashlib.sha256(DISK).hexdigest()
    assert (seen.response.status, seen.response.framing, seen.response.end) == (200, "chunked", "complete")
    assert (seen.conn.thumbprint, seen.conn.port, seen.observer) == (esx.thumbprint, esx.server.port, "cell")
    assert TICKET not in str(seen.to_json()) and "ticket:1" in seen.request.url


@pytest.mark.parametrize("reset", [False, True])
@pytest.mark.parametrize("framing", ["chunked", "length"])
def test_a_stream_that_is_cut_is_never_a_success(tmp_path: Path, framing: str, reset: bool) -> None:
    headers = [("Content-Length", str(len(DISK)))] if framing == "length" else []
    observations = Observations(lambda: 5.0)
    with (
        host(sends(DISK[:700_000], *headers, end=Cut("host goes down", reset=reset)), tmp_path) as esx,
        pytest.raises(ShortStream, match="before the end of the file") as caught,
    ):
        fetch(esx.entry(), tmp_path / "disk.vmdk", observer=observations.observer("user"))
    assert caught.value.whose == "host"
    assert not (tmp_path / "disk.vmdk").exists()
    [seen] = observations.exchanges
    assert seen.response is not None and seen.response.end in ("cut", "reset")


@pytest.mark.parametrize("length", [0, 68_096, 65_536, len(DISK) - 512, len(DISK) - 1])
def test_half_a_disk_in_a_proper_answer_is_caught_by_the_stream_itself(tmp_path: Path, length: int) -> None:
    refused(sends(DISK[:length]), tmp_path, ShortStream, "is not a whole disk stream")


@pytest.mark.skipif(not GENUINE.exists(), reason=f"no recording at {GENUINE}")
def test_a_disk_of_vmware_that_was_cut_is_caught(tmp_path: Path) -> None:
    refused(sends(GENUINE.read_bytes()), tmp_path, ShortStream, "is not a whole disk stream")


def test_an_error_page_with_status_200_is_no_disk(tmp_path: Path) -> None:
    refused(sends(b"<html>Service Unavailable</html>"), tmp_path, ShortStream, "KDMV")


@pytest.mark.parametrize(("declared", "sent"), [(8684, 8683), (8684, 0), (1, 2)])
def test_other_files_have_the_size_that_the_lease_declares(tmp_path: Path, declared: int, sent: int) -> None:
    refused(sends(bytes(sent)), tmp_path, ShortStream, f"the lease declares {declared}", disk=False, file_size=declared)


def test_a_file_nobody_can_call_whole_is_refused(tmp_path: Path) -> None:
    with raw_host(b"HTTP/1.1 200 OK\r\n\r\nnvram") as entry:
        with pytest.raises(ShortStream, match="nobody can tell"):
            fetch(replace(entry, disk=False), tmp_path / "d")
        assert not (tmp_path / "d").exists()
        assert fetch(replace(entry, disk=False, file_size=5), tmp_path / "d").framing == "close"


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (b"220 ftp ready\r\n\r\n", "no answer of HTTP/1.1"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "no answer of HTTP/1.1"),
        (b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 5\r\n\r\n12345", "content coding 'gzip'"),
    ],
)
def test_what_is_no_plain_answer_is_refused_for_good(tmp_path: Path, answer: bytes, words: str) -> None:
    with raw_host(answer) as entry, pytest.raises(BadStream, match=words):
        fetch(replace(entry, disk=False, file_size=5), tmp_path / "d")
    assert not (tmp_path / "d").exists()


@pytest.mark.parametrize("url", ["https://h h/x", "https://h\0/x", f"https://{'a' * 300}/x", "https://ä.example/x"])
def test_a_host_that_is_no_host_is_not_asked_for(tmp_path: Path, url: str) -> None:
    with pytest.raises(BadAddress, match="neither a name nor an address"):
        fetch(DeviceFile("k", url, disk=True), tmp_path / "d")


def test_a_disk_that_ends_with_the_connection_is_judged_by_its_own_end(tmp_path: Path) -> None:
    head = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"
    with raw_host(head + DISK) as entry:
        assert fetch(entry, tmp_path / "whole").size == len(DISK)
    for reset in (False, True):
        with raw_host(head + DISK[:-512], reset=reset) as entry, pytest.raises(ShortStream):
            fetch(entry, tmp_path / "half")
    assert not (tmp_path / "half").exists()


def test_nvram_arrives(tmp_path: Path) -> None:
    with host(sends(b"\1" * 8684), tmp_path) as esx:
        got = fetch(esx.entry(disk=False, file_size=8684), tmp_path / "vm.nvram")
    assert (got.size, (tmp_path / "vm.nvram").stat().st_size) == (8684, 8684)


@pytest.mark.parametrize("status", [204, 206, 404, 500, 503])
def test_only_200_is_taken(tmp_path: Path, status: int) -> None:
    refused(answers(f"{status} X"), tmp_path, HostRefused, f"answered {status}")


@pytest.mark.parametrize("status", [301, 302, 307])
def test_redirects_are_not_followed(tmp_path: Path, status: int) -> None:
    app = answers(f"{status} Moved", ("Location", "https://127.0.0.1:1/elsewhere"))
    esx = refused(app, tmp_path, HostRefused, "redirects are not followed")
    assert len(esx.requests) == 1


def test_a_host_with_another_certificate_is_sent_nothing(tmp_path: Path) -> None:
    wrong = ":".join(["AB"] * 20)
    observations = Observations(lambda: 5.0)
    with host(sends(DISK), tmp_path) as esx, pytest.raises(WrongThumbprint) as caught:
        fetch(esx.entry(thumbprint=wrong), tmp_path / "d", observer=observations.observer("user"))
    assert esx.requests == []
    assert f"thumbprint {esx.thumbprint}, expected {wrong}" in str(caught.value)
    assert not (tmp_path / "d").exists()
    [seen] = observations.exchanges
    assert seen.response is None and seen.error is not None


def test_without_a_thumbprint_the_authority_judges(tmp_path: Path) -> None:
    with host(sends(DISK), tmp_path) as esx:
        with pytest.raises(Untrusted, match="--ca-file"):
            fetch(esx.entry(thumbprint=None), tmp_path / "d")
        assert esx.requests == []
        fetch(esx.entry(thumbprint=None), tmp_path / "d", ca_file=esx.ca_file)
        fetch(esx.entry(thumbprint=None), tmp_path / "e", insecure=True)
    assert (tmp_path / "d").read_bytes() == (tmp_path / "e").read_bytes() == DISK


@pytest.mark.parametrize("url", ["file:///etc/passwd", "http://127.0.0.1/x", "ftp://h/x", "https:///x", "//h/x", "x"])
def test_only_https_is_spoken(tmp_path: Path, url: str) -> None:
    with host(sends(DISK), tmp_path) as esx, pytest.raises(BadAddress) as caught:
        fetch(esx.entry(url=url), tmp_path / "d")
    assert caught.value.whose == "vCenter"
    assert not (tmp_path / "d").exists()


def test_a_host_that_is_down(tmp_path: Path) -> None:
    with host(sends(DISK), tmp_path) as esx:
        esx.server.stop(keep_port=True)
        with pytest.raises(HostUnreachable, match=r"this machine has to reach it") as caught:
            fetch(esx.entry(), tmp_path / "d")
    assert caught.value.whose == "host"


def test_a_host_that_falls_silent(tmp_path: Path) -> None:
    release = threading.Event()
    with host(falls_silent(release), tmp_path) as esx:
        try:
            with pytest.raises(ShortStream, match="sent nothing for 2 s after 70000 bytes"):
                fetch(esx.entry(), tmp_path / "d", silence=2.0)
        finally:
            release.set()


def test_cancelling_ends_a_read_that_blocks(tmp_path: Path) -> None:
    release, silent = threading.Event(), threading.Event()
    stop = Cancellation()
    threading.Thread(target=lambda: silent.wait() and stop.cancel(), daemon=True).start()
    with host(falls_silent(release), tmp_path) as esx:
        try:
            with pytest.raises(Cancelled, match="nothing of it was kept"):
                fetch(esx.entry(), tmp_path / "d", cancelled=stop, on_bytes=lambda _: silent.set())
        finally:
            release.set()
    assert not (tmp_path / "d").exists()


def test_what_was_cancelled_before_does_not_begin(tmp_path: Path) -> None:
    stop = Cancellation()
    stop.cancel(HostUnreachable("said before"))
    with host(sends(DISK), tmp_path) as esx, pytest.raises(HostUnreachable, match="said before"):
        fetch(esx.entry(), tmp_path / "d", cancelled=stop)
    assert esx.requests == []


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_target_without_room(tmp_path: Path) -> None:
    with host(sends(DISK), tmp_path) as esx, files_of_at_most(300_000), pytest.raises(TargetFull) as caught:
        fetch(esx.entry(), tmp_path / "d")
    assert caught.value.whose == "target"
    assert str(tmp_path / "d") in str(caught.value)
    assert not (tmp_path / "d").exists()


def test_a_file_of_somebody_else_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / "d").write_text("mine")
    with host(sends(DISK), tmp_path) as esx:
        with pytest.raises(AlreadyThere):
            fetch(esx.entry(), tmp_path / "d")
        with pytest.raises(TargetRefused, match="No such file or directory"):
            fetch(esx.entry(), tmp_path / "no" / "d")
    assert (tmp_path / "d").read_text() == "mine"
    assert esx.requests == []


HEAD = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
ANSWER = HEAD + chunked(DISK[: 64 * 1024], 5000)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(data=st.data(), reset=st.booleans())
def test_wherever_an_answer_stops_it_is_no_success(tmp_path: Path, data: st.DataObject, reset: bool) -> None:
    """Not a disk, so that the framing alone has to tell; the last two bytes of an answer carry nothing."""
    near = st.sampled_from([at for at in range(len(HEAD), len(ANSWER)) if ANSWER[at : at + 2] == b"\r\n"])
    cut = data.draw(st.one_of(st.integers(0, len(ANSWER) - 5), near.map(lambda at: min(at + 1, len(ANSWER) - 5))))
    with raw_host(ANSWER[:cut], reset=reset) as entry, pytest.raises((ShortStream, HostUnreachable)):
        fetch(replace(entry, disk=False), tmp_path / "d")
    assert not (tmp_path / "d").exists()


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(cut=st.integers(0, len(DISK) - 1), step=st.sampled_from([512, 4096, 65536, 1 << 20]))
def test_wherever_a_disk_stops_in_a_proper_answer_it_is_refused(tmp_path: Path, cut: int, step: int) -> None:
    with raw_host(HEAD + chunked(DISK[:cut], step)) as entry, pytest.raises(ShortStream):
        fetch(entry, tmp_path / "d")
    assert not (tmp_path / "d").exists()
