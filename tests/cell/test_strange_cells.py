"""The user's client against cells that lie, break off, or are no cells at all: one clear line, and nothing on disk."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from twohop.exporter import ExportError
from twohop.exporter.via import export_via_cell
from twohop.runtime.certificates import Authority
from twohop.runtime.serving import Cut, HttpServer

NS = 'xmlns="http://www.vmware.com/vcloud/v1.5"'
OVF = 'xmlns="http://schemas.dmtf.org/ovf/envelope/1" xmlns:ovf="http://schemas.dmtf.org/ovf/envelope/1"'
VERSIONS = (
    '<SupportedVersions xmlns="http://www.vmware.com/vcloud/versions">'
    "<VersionInfo><Version>31.0</Version></VersionInfo></SupportedVersions>"
)
VAPP = (
    f'<VApp {NS} status="8" deployed="false"><Link rel="enable" href="/api/vApp/vapp-1/action/enableDownload"/>'
    "{links}<Children/></VApp>"
)
LINK = '<Link rel="download:default" type="text/xml" href="{base}/transfer/t/descriptor.ovf"/>'
TASK = f'<Task {NS} status="{{status}}" href="/api/task/1"><Progress>1</Progress><Details>{{why}}</Details></Task>'
FILE = '<File ovf:id="file1" ovf:href="{href}" ovf:size="{size}"/>'
ENVELOPE = f"<Envelope {OVF}><References>{{files}}</References></Envelope>"
Answer = tuple[int, Mapping[str, str], Any]


def page(text: str, status: int = 200, **headers: str) -> Callable[[], Answer]:
    return lambda: (status, headers, text.encode())


class Strange:
    """Answers by (method, path); a test replaces single answers of a cell that works."""

    def __init__(self) -> None:
        self.base = ""
        self.asked: list[tuple[str, str]] = []
        self.tokens: list[str | None] = []
        self.answers: dict[tuple[str, str], Callable[[], Answer]] = {
            ("GET", "/api/versions"): page(VERSIONS),
            ("POST", "/api/sessions"): lambda: (200, {"x-vcloud-authorization": "0" * 32}, f"<Session {NS}/>".encode()),
            ("DELETE", "/api/session"): page("", 204),
            ("GET", "/api/query"): page(
                f'<QueryResultRecords {NS}><VAppRecord name="vApp0" href="https://elsewhere.example/api/vApp/vapp-1"/>'
                "</QueryResultRecords>"
            ),
            ("GET", "/api/vApp/vapp-1"): lambda: (200, {}, VAPP.format(links=LINK.format(base=self.base)).encode()),
            ("POST", "/api/vApp/vapp-1/action/enableDownload"): self.task("success", 202),
            ("POST", "/api/vApp/vapp-1/action/disableDownload"): page("", 204),
            ("GET", "/api/task/1"): self.task("success"),
            ("POST", "/api/task/1/action/cancel"): page("", 204),
            ("GET", "/transfer/t/descriptor.ovf"): self.descriptor("notes.txt", 5),
            ("GET", "/transfer/t/notes.txt"): page("hello"),
        }

    @staticmethod
    def task(status: str, code: int = 200, why: str = "") -> Callable[[], Answer]:
        return page(TASK.format(status=status, why=why), code, Location="/api/task/1")

    @staticmethod
    def descriptor(href: str, size: int, more: str = "") -> Callable[[], Answer]:
        return page(ENVELOPE.format(files=FILE.format(href=href, size=size) + more))

    def __call__(self, environ: Any, start_response: Any) -> Any:
        path = environ["PATH_INFO"]
        self.asked.append((environ["REQUEST_METHOD"], path))
        if path.startswith("/transfer/"):
            self.tokens.append(environ.get("HTTP_X_VCLOUD_AUTHORIZATION"))
        status, headers, body = self.answers.get(self.asked[-1], page("", 404))()
        start_response(f"{status} X", list(headers.items()))
        return body if not isinstance(body, bytes) else [body]


@contextmanager
def running(strange: Strange, tmp_path: Path) -> Iterator[Path]:
    authority = Authority()
    server = HttpServer(strange, name="strange", tls=authority.leaf(["127.0.0.1"]).context).start()
    strange.base = server.url
    try:
        yield authority.write(tmp_path / "ca.pem")
    finally:
        server.stop()


def export(strange: Strange, tmp_path: Path, **options: Any) -> Any:
    with running(strange, tmp_path) as ca_file:
        out = tmp_path / "out"
        return export_via_cell(strange.base, "u@o", "p", "vApp0", out, **{"ca_file": ca_file, **options})


@pytest.fixture
def strange() -> Strange:
    return Strange()


def test_a_cell_that_works_works_and_its_transfer_is_asked_without_a_token(strange: Strange, tmp_path: Path) -> None:
    done = export(strange, tmp_path)
    assert (tmp_path / "out" / "notes.txt").read_text() == "hello"
    assert done.descriptor.read_bytes() == strange.answers["GET", "/transfer/t/descriptor.ovf"]()[2]
    assert strange.tokens == [None, None]


def test_a_cell_that_asks_who_we_are_at_the_transfer_is_told(strange: Strange, tmp_path: Path) -> None:
    good = strange.answers["GET", "/transfer/t/descriptor.ovf"]
    strange.answers["GET", "/transfer/t/descriptor.ovf"] = lambda: good() if strange.tokens[-1] else (401, {}, b"")
    export(strange, tmp_path)
    assert strange.tokens == [None, "0" * 32, "0" * 32]


@pytest.mark.parametrize(
    "href",
    [
        "../../evil",
        "/etc/evil",
        "a/b.vmdk",
        "https://evil.example/x",
        "..",
        ".hidden",
        "con.vmdk",
        "x%2fy\\z",
        "",
        "x?y",
    ],
)
def test_no_name_of_a_server_leaves_the_directory(strange: Strange, tmp_path: Path, href: str) -> None:
    strange.answers["GET", "/transfer/t/descriptor.ovf"] = strange.descriptor(href, 5)
    with pytest.raises(ExportError, match="no plain file name") as raised:
        export(strange, tmp_path)
    assert raised.value.whose == "cell"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["ca.pem"]


def broken_off() -> Answer:
    def body() -> Iterator[bytes]:
        yield b"he"
        raise Cut("the test")

    return 200, {"Content-Length": "5"}, body()


KEY = tuple[str, str]
FAULTS: dict[str, tuple[KEY, Callable[[], Answer], str]] = {
    "size": (("GET", "/transfer/t/notes.txt"), page("hell"), "4 bytes for"),
    "cut": (("GET", "/transfer/t/notes.txt"), broken_off, "after 2 bytes"),
    "gone": (("GET", "/transfer/t/notes.txt"), page("", 410), "410"),
    "redirect": (("GET", "/transfer/t/notes.txt"), page("", 302, Location="https://evil.example/"), "302"),
    "no xml": (("GET", "/transfer/t/descriptor.ovf"), page("hello"), "cannot be read"),
    "no disk": (
        ("GET", "/transfer/t/descriptor.ovf"),
        page(
            f"<Envelope {OVF}><References>{FILE.format(href='notes.txt', size=5)}</References><DiskSection><Info/>"
            '<Disk ovf:diskId="d" ovf:fileRef="file1" ovf:capacity="1"/></DiskSection></Envelope>'
        ),
        "not a whole disk stream",
    ),
    "pieces": (
        ("GET", "/transfer/t/descriptor.ovf"),
        page(f'<Envelope {OVF}><References><File ovf:id="f" ovf:href="x" ovf:chunkSize="7"/></References></Envelope>'),
        "chunkSize",
    ),
    "entity": (
        ("GET", "/transfer/t/descriptor.ovf"),
        page(f'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><Envelope {OVF}>&e;</Envelope>'),
        "document type",
    ),
    "error": (("GET", "/api/task/1"), Strange.task("error", why="no space"), "ended as error: no space"),
    "canceled": (("GET", "/api/task/1"), Strange.task("canceled"), "ended as canceled"),
    "aborted": (("GET", "/api/task/1"), Strange.task("aborted"), "ended as aborted"),
    "firewall": (("GET", "/api/query"), page("<html>go away</html>", 403), "answered 403 to GET /api/query"),
    "no version": (("GET", "/api/versions"), page(VERSIONS.replace("31.0", "99.0")), "offers no API version"),
    "busy": (
        ("POST", "/api/vApp/vapp-1/action/enableDownload"),
        page(f'<Error {NS} message="Too many operations" minorErrorCode="OPERATION_LIMITS_EXCEEDED"/>', 400),
        "Too many operations",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_is_one_clear_line_and_leaves_nothing(strange: Strange, tmp_path: Path, fault: str) -> None:
    key, answer, words = FAULTS[fault]
    if key[1] == "/api/task/1":
        strange.answers["POST", "/api/vApp/vapp-1/action/enableDownload"] = strange.task("running", 202)
    strange.answers[key] = answer
    with pytest.raises(ExportError, match=words) as raised:
        export(strange, tmp_path)
    assert "\n" not in str(raised.value)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["ca.pem"]


def test_a_task_that_never_moves_is_given_up_and_cancelled(strange: Strange, tmp_path: Path) -> None:
    strange.answers["POST", "/api/vApp/vapp-1/action/enableDownload"] = strange.task("running", 202)
    strange.answers["GET", "/api/task/1"] = strange.task("running")
    cancelled = threading.Event()

    def cancel() -> Answer:
        cancelled.set()
        strange.answers["GET", "/api/task/1"] = strange.task("canceled")
        return 204, {}, b""

    strange.answers["POST", "/api/task/1/action/cancel"] = cancel
    with pytest.raises(ExportError, match="has not moved for 0 s"):
        export(strange, tmp_path, stuck=0.0)
    assert cancelled.is_set()


def test_a_link_without_files_is_disabled_and_enabled_once_more(strange: Strange, tmp_path: Path) -> None:
    strange.answers["GET", "/transfer/t/descriptor.ovf"] = page("", 404)
    with pytest.raises(ExportError, match="answered 404 to GET of the descriptor"):
        export(strange, tmp_path)
    enabled = strange.asked.count(("POST", "/api/vApp/vapp-1/action/enableDownload"))
    disabled = strange.asked.count(("POST", "/api/vApp/vapp-1/action/disableDownload"))
    assert (enabled, disabled) == (2, 1)


def test_a_session_that_ended_meanwhile_is_opened_again(strange: Strange, tmp_path: Path) -> None:
    seen = strange.answers["GET", "/api/vApp/vapp-1"]
    answers = iter([lambda: (401, {}, b"")])
    strange.answers["GET", "/api/vApp/vapp-1"] = lambda: next(answers, seen)()
    export(strange, tmp_path)
    assert strange.asked.count(("POST", "/api/sessions")) == 2
