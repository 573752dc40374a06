"""Paths that climb, on hosts, datastores and the cell: nothing that no lease, datastore or link has is ever given."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest

from hostile.attacker import Site, get, statuses
from hostile.conftest import folder

SECRET = b"nobody is to read this"
UPWARDS = {
    "plain": b"..",
    "encoded": b"%2e%2e",
    "half encoded": b".%2E",
    "twice encoded": b"%252e%252e",
    "overlong": b"%c0%ae%c0%ae",
    "wide": b"%ef%bc%8e%ef%bc%8e",
    "NUL behind": b"..%00",
    "more dots": b"....",
    "a backslash": b"..%5c",
    "semicolon": b"..;",
    "space": b"%20..",
    "newline": b"..%0a",
}
SLASHES = {
    "slash": b"/",
    "encoded slash": b"%2f",
    "twice encoded slash": b"%252F",
    "backslash": b"%5c",
    "plain backslash": b"\\",
    "overlong slash": b"%c0%af",
    "two slashes": b"//",
}
TARGETS = [b"etc/passwd", b"secret.txt", b"descriptor.ovf"]


def _climbing(base: bytes) -> list[bytes]:
    found = []
    for up in UPWARDS.values():
        for slash in SLASHES.values():
            found += [base + b"/" + (up + slash) * depth + target for depth in (1, 3, 9) for target in TARGETS]
    absolute = [b"/etc/passwd", b"%2fetc%2fpasswd", b"C:%5cwindows%5cwin.ini", b"file:///etc/passwd", b"~/.ssh/id_rsa"]
    return [*found, *(base + b"/" + path for path in absolute), base + b"/%00", base + b"/" + b"a/" * 10_000]


def _ask_all(site: Site, paths: list[bytes], *headers: bytes, method: bytes = b"GET") -> list[tuple[bytes, int, bytes]]:
    """Ask for each path on few connections; return path, status and body."""
    found = []
    for start in range(0, len(paths), 50):
        some = paths[start : start + 50]
        asked = [get(path, *headers, method=method) for path in some]
        open_ = [request.replace(b"Connection: close\r\n", b"") for request in asked[:-1]]
        answers = site.say(b"".join(open_) + asked[-1]).split(b"HTTP/1.1 ")[1:]
        assert len(answers) == len(some)
        for path, answer in zip(some, answers, strict=True):
            found.append((path, int(answer[:3]), answer.partition(b"\r\n\r\n")[2]))
    return found


def _nothing_given(found: list[tuple[bytes, int, bytes]], allowed: tuple[int, ...]) -> None:
    for path, status, body in found:
        assert status in allowed, (path[:200], status)
        assert b"root:" not in body
        assert SECRET not in body
        assert b"KDMV" not in body
    assert found


@pytest.fixture
def secret(sites: dict[str, Site], request: pytest.FixtureRequest) -> Any:
    """A file beside the transfer share of the cell, and what there was of files."""
    cell = sites["cell"]
    root = Path(cell.home or "")
    (root.parent / "secret.txt").write_bytes(SECRET)
    before = folder(root.parent)
    yield
    assert folder(root.parent) == before
    (root.parent / "secret.txt").unlink()


@pytest.mark.parametrize("kind", ["/nfc", "ticket", "link", "/api", "/api/vApp/", "/transfer"])
def test_no_path_climbs_out(sites: dict[str, Site], secret: None, kind: str) -> None:
    site = sites["host" if kind in ("/nfc", "ticket") else "transfer"]
    own = site.request.split(b" ")[1]
    base = {"ticket": own.rpartition(b"/")[0], "link": own.rpartition(b"/")[0]}.get(kind, kind.rstrip("/").encode())
    # /api/../transfer is no path of the API, and what is not there is 404, or asks who one is.
    allowed = {"ticket": (404,), "/nfc": (404,), "link": (404,), "/transfer": (404,)}.get(kind, (401, 404, 406, 501))
    _nothing_given(_ask_all(site, _climbing(base)), (*allowed, 400))
    _nothing_given(_ask_all(site, [base + b"/../" + own.lstrip(b"/")]), (*allowed, 400))
    site.check()


@pytest.mark.parametrize("name", ["vcenter", "esxi"])
def test_no_path_climbs_out_of_a_datastore(sites: dict[str, Site], name: str) -> None:
    site = sites[name]
    who = base64.b64encode(site.login.encode())
    query = b"?dcPath=%b&dsName=LocalDS_0" % (b"DC0" if name == "vcenter" else b"ha-datacenter")
    paths = [path + query for path in _climbing(b"/folder")]
    paths += [b"/folder/VM0/VM0.vmx?dcPath=%b&dsName=%b" % (up, up) for up in UPWARDS.values()]
    paths += [
        b"/folder/x?" + b"dsName=x&" * 5000,
        b"/folder/x?dsName=%00",
        b"/folder/x?%%%%&&&&====",
        b"/folder/x?" + b"%" * 9000,
    ]
    _nothing_given(_ask_all(site, paths, b"Authorization: Basic " + who), (400, 404, 501))
    whole = _ask_all(site, [b"/folder/VM0/VM0.vmx" + query], b"Authorization: Basic " + who)
    assert [status for _, status, _ in whole] == [200], "who asks rightly is given it"
    site.check()


@pytest.mark.parametrize("name", ["vcenter", "esxi"])
@pytest.mark.parametrize(
    "given",
    [
        b"Basic",
        b"Basic ",
        b"Basic %%%",
        b"Basic " + base64.b64encode(b"\xff\xfe:\xff"),
        b"Basic " + base64.b64encode(b"user"),
        b"Basic " + b"A" * 60_000,
        b"Bearer x",
        b"Digest " + b'username="',
        b"\xff\xfe",
        b"Basic " + base64.b64encode(b"\0:\0"),
    ],
)
@pytest.mark.parametrize("header", [b"Authorization: ", b"Cookie: vmware_soap_session=", b"Cookie: "])
def test_credentials_that_are_none_open_nothing(sites: dict[str, Site], name: str, header: bytes, given: bytes) -> None:
    site = sites[name]
    answer = site.say(get(b"/folder/VM0/VM0.vmx?dsName=LocalDS_0", header + given))
    assert statuses(answer) == [401]
    site.check()


@pytest.mark.parametrize("method", [b"PUT", b"POST", b"DELETE", b"PATCH", b"MKCOL", b"MOVE", b"COPY", b"LINK"])
def test_nothing_is_put_anywhere(sites: dict[str, Site], secret: None, method: bytes) -> None:
    for name in ("host", "transfer", "cell"):
        site = sites[name]
        base = site.request.split(b" ")[1].rpartition(b"/")[0]
        body = (b"Content-Length: 4", b"Destination: ../../x", b"Overwrite: t")
        for path in (base + b"/../../../tmp/new.txt", base + b"/%2e%2e%2fnew.txt", site.request.split(b" ")[1]):
            answer = site.say(get(path, *body, method=method) + b"evil")
            assert statuses(answer)[0] in (400, 401, 404, 405, 406, 501), (name, path)
        site.check()


@pytest.mark.parametrize(
    "header",
    [
        b"Range: bytes=",
        b"Range: bytes=-",
        b"Range: bytes=5-1",
        b"Range: bytes=0-0,1-1,2-2",
        b"Range: bytes=" + b"0-," * 9000,
        b"Range: bytes=99999999999999999999999-",
        b"Range: bytes=-99999999999999999999999",
        b"Range: lines=1-2",
        b"Range: bytes=\xb2-\xb3",
        b"If-Range: x",
        b"Accept: " + b"a/b;version=" * 4000,
        b"Accept: \xff;version=\xff",
        b"Accept: application/*+xml;version=" + b"9" * 9000,
        b"Cookie: vcloud-token=" + b"x" * 60_000,
        b"Cookie: ;;;===\xff",
        b"X-VCLOUD-AUTHORIZATION: \xff",
        b"Authorization: Bearer \xff",
        b"Authorization: Basic /////",
        b"Accept-Encoding: " + b"gzip;q=," * 8000,
        b"Content-Type: " + b";" * 60_000,
        b"Content-Type: multipart/form-data; boundary=" + b"x" * 60_000,
    ],
    ids=lambda header: header[:40].decode("latin-1"),
)
@pytest.mark.parametrize("where", ["vcenter", "host", "transfer", "cell", "login"])
def test_headers_that_nobody_can_mean(sites: dict[str, Site], where: str, header: bytes) -> None:
    site = sites["cell" if where == "login" else where]
    request = site.request if where != "login" else b"POST /api/sessions" + get(b"/")[5:]
    answer = site.say(request.replace(b"Host: h", b"Host: h\r\n" + header))
    (status,) = statuses(answer)
    # 416 where a range lies beyond the file, and a login without credentials is none.
    assert status in (200, 206, 400, 401, 406, 416)
    site.check()


@pytest.mark.parametrize(
    "path", [b"/api/vApp/..%20", b"/api/vApp/%01", b"/api/vApp/%0a", b"/api/vApp/%ef%bf%bf", b"/cloudapi/%1b"]
)
def test_a_path_of_control_characters_is_told_of_without_them(sites: dict[str, Site], path: bytes) -> None:
    """Found here: an error that shows the path was to be written as XML, which cannot hold it."""
    answer = sites["cell"].say(get(path))
    assert statuses(answer)[0] in (401, 404, 501)
    assert not any(byte < 32 and byte not in b"\r\n\t" for byte in answer)
    sites["cell"].check()
