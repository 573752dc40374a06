"""Every switch of the cell's profile changes what a client sees over HTTP: none is dead, none is ignored."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from cell.http import Http, links
from cell.support import DISK, START, VM, Gate, MadeUpSource, with_media_and_users
from twohop.exporter.cell import Cell
from twohop.exporter.cell.engine import Catalogue, Spool, Store, TaskInput
from twohop.exporter.cell.engine._catalogue import _id
from twohop.exporter.cell.engine._tasks import Tasks
from twohop.exporter.cell.engine._transfers import Transfers
from twohop.runtime import Clock, Journal
from twohop.runtime.profiles import load_profile

BASE = load_profile("cell-36.0")
LONG = DISK * 200
"""More than a socket takes at once, so that a GET lasts until its reader goes on."""
See = Callable[[Http], Any]
SPACE = "{http://www.vmware.com/vcloud/versions}"
OVF = "{http://schemas.dmtf.org/ovf/envelope/1}"
TOKEN, COOKIE = "X-VCLOUD-AUTHORIZATION", "Set-Cookie"
REQUEST, SPENT = "X-VMWARE-VCLOUD-REQUEST-ID", "X-VMWARE-VCLOUD-REQUEST-EXECUTION-TIME"


def _versions(me: Http) -> list[tuple[str | None, str | None]]:
    root = etree.fromstring(me.call("GET", "/api/versions").data)
    return [(info.findtext(f"{SPACE}Version"), info.get("deprecated")) for info in root]


def _offered(me: Http) -> tuple[list[str | None], int]:
    seen = [version for version, _ in _versions(me)]
    return seen, me.call("GET", "/api/org", {"Accept": "application/*+xml;version=34.0"}).status


def _deprecated(me: Http) -> tuple[list[str | None], str]:
    message = str(etree.fromstring(me.call("GET", "/api/org", {"Accept": "*/*"}).data).get("message"))
    return [version for version, old in _versions(me) if old == "true"], ", ".join(re.findall(r"(\S+) \[D\]", message))


def _challenge(me: Http) -> set[str]:
    me.token = {}
    wrong = me.call("POST", "/api/sessions", me.basic(password="wrong"))
    return {wrong.headers["WWW-Authenticate"], me.call("GET", "/api/org").headers["WWW-Authenticate"]}


def _not_acceptable(me: Http) -> tuple[int, str | None, str | None]:
    answer = me.call("GET", "/api/org", {"Accept": "application/*+xml;version=1.0"})
    error = etree.fromstring(answer.data)
    return answer.status, error.get("majorErrorCode"), error.get("minorErrorCode")


def _expired_session(me: Http) -> tuple[int, bool]:
    me.cell.clock.advance(1800)
    answer = me.call("GET", "/api/session")
    return answer.status, answer.data == b""


def _ends(step: float) -> See:
    def see(me: Http) -> float:
        began = me.cell.clock.now()
        while me.call("GET", "/api/session").status == 200:
            me.cell.clock.advance(step)
        return me.cell.clock.now() - began

    return see


def _idle(me: Http, seconds: float) -> tuple[int, int]:
    me.cell.clock.advance(seconds - 1)
    before = me.call("GET", "/api/session").status
    me.cell.clock.advance(seconds)
    return before, me.call("GET", "/api/session").status


def urls(me: Http) -> tuple[str, str]:
    """Enable, and return the URLs of descriptor and disk, without a GET of either."""
    assert me.enable().get("status") == "success"
    me.log_in()
    descriptor = links(me.vapp())["download:default"]
    (disk,) = me.cell.transfer_dir.glob("*/*.vmdk")
    return descriptor, f"{descriptor.rpartition('/')[0]}/{disk.name}"


def _expires(me: Http) -> float:
    descriptor, _ = urls(me)
    began = me.cell.clock.now()
    while "download:default" in links(me.vapp()):
        me.cell.clock.advance(300)
        me.log_in()
    assert me.pool.request("GET", descriptor).status == 404
    return me.cell.clock.now() - began


def _reaped(me: Http) -> float:
    urls(me)
    began = me.cell.clock.now()
    me.cell.clock.advance(3600)
    while list(me.cell.transfer_dir.iterdir()):
        me.cell.clock.advance(100)
    return me.cell.clock.now() - began


def _refreshed(me: Http) -> tuple[bool, bool]:
    """Whether a GET from 1000 to 2000 leaves the link alive at 4000, and at 5000."""
    _, disk = urls(me)
    me.cell.clock.advance(1000)
    with me.pool.request("GET", disk, preload_content=False) as answer:
        answer.read(1000)
        me.cell.clock.advance(1000)
        answer.read()
    seen = []
    for seconds in (2000, 1000):
        me.cell.clock.advance(seconds)
        me.log_in()
        seen.append("download:default" in links(me.vapp()))
    return seen[0], seen[1]


def _dead(me: Http) -> set[int]:
    descriptor, disk = urls(me)
    me.cell.clock.advance(3600)
    other = f"{me.cell.url}/transfer/00000000-0000-4000-8000-000000000000/descriptor.ovf"
    return {me.pool.request("GET", url).status for url in (descriptor, disk, other)}


def _disabled(me: Http) -> bool:
    urls(me)
    assert me.call("POST", links(me.vapp())["disable"]).status == 204
    return list(me.cell.transfer_dir.iterdir()) == []


def _repeated(me: Http) -> bool:
    first, _ = urls(me)
    me.cell.clock.advance(1)
    me.enable()
    return links(me.vapp())["download:default"] == first


def _built_at(me: Http) -> tuple[list[str], int, str | None]:
    """What the share holds after the task, the status of the first GET, and whether the package stands then."""
    assert me.enable().get("status") == "success"
    before = [path.name.rpartition(".")[2] for path in me.cell.transfer_dir.glob("*/*.vmdk")]
    status = me.pool.request("GET", links(me.vapp())["download:default"]).status
    after = [path.name.rpartition(".")[2] for path in me.cell.transfer_dir.glob("*/*.vmdk")]
    return before, status, after[0] if after else None


def _repeat_restarts(me: Http) -> bool:
    """Whether enabling at 3000 keeps a link alive that was enabled at 0."""
    urls(me)
    me.cell.clock.advance(3000)
    me.log_in()
    me.enable()
    me.cell.clock.advance(1000)
    return "download:default" in links(me.vapp())


def _ova_type(me: Http) -> list[str | None]:
    urls(me)
    return [link.get("type") for link in me.vapp() if str(link.get("rel")).startswith("download:ova")]


def _operation_name(me: Http) -> tuple[str | None, str | None]:
    template = me.get(str(me.record("vAppTemplate", "Template0").get("href")))
    task = etree.fromstring(me.call("POST", links(template)["enable"]).data)
    me.cell.engine.settle()
    return me.enable().get("operationName"), task.get("operationName")


def _session_needed(me: Http) -> tuple[int, int, int]:
    descriptor, _ = urls(me)
    stranger = me.pool.request("GET", descriptor, headers={"x-vcloud-authorization": "0" * 32}).status
    own = me.pool.request("GET", descriptor, headers=me.token).status
    return me.pool.request("GET", descriptor).status, stranger, own


def _ranged(me: Http) -> tuple[int, bool, bool]:
    answer = me.pool.request("GET", urls(me)[1], headers={"Range": "bytes=5-"})
    assert answer.data == (DISK[5:] if answer.status == 206 else DISK)
    return answer.status, "Accept-Ranges" in answer.headers, "Content-Range" in answer.headers


def _head(me: Http) -> tuple[int, str | None]:
    answer = me.pool.request("HEAD", urls(me)[1])
    return answer.status, answer.headers.get("Content-Length")


def _disk_name(me: Http) -> str:
    descriptor, disk = urls(me)
    file = etree.fromstring(me.pool.request("GET", descriptor).data).find(f"{OVF}References/{OVF}File")
    assert file is not None and file.get(f"{OVF}href") == disk.rpartition("/")[2]
    return re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "<uuid>", disk.rpartition("/")[2])


def _manifest(me: Http) -> int:
    return me.pool.request("GET", urls(me)[0].rpartition("/")[0] + "/descriptor.mf").status


def _left(me: Http) -> str | None:
    return me.get(f"/api/task/{me.left}").get("status")


def _removed_login(me: Http) -> tuple[int, str | None]:
    me.token = {}
    answer = me.call("POST", "/api/sessions", {**me.basic(), "Accept": "application/*+xml;version=38.0"})
    return answer.status, etree.fromstring(answer.data).get("majorErrorCode")


def _answers(me: Http) -> list[Any]:
    """A login, a call, a refused call, the list of versions, and a download."""
    login, call = me.log_in(), me.call("GET", "/api/org")
    refused = me.call("GET", "/api/org/nobody")
    versions = me.call("GET", "/api/versions")
    return [answer.headers for answer in (login, call, refused, versions, me.pool.request("GET", urls(me)[0]))]


def _having(*names: str) -> See:
    return lambda me: [all(name in headers for name in names) for headers in _answers(me)]


def _media(me: Http) -> tuple[str, str | None]:
    org = me.call("GET", "/api/org")
    return org.headers["Content-Type"], etree.fromstring(org.data).get("type")


def _finished(me: Http) -> tuple[int, bool]:
    descriptor, disk = urls(me)
    for url in (descriptor, disk):
        assert me.pool.request("GET", url).status == 200
    return me.pool.request("GET", disk).status, list(me.cell.transfer_dir.iterdir()) == []


def _as(me: Http, user: str) -> None:
    me.token = {}
    me.token = {"x-vcloud-authorization": me.log_in_as(user)}


def _allowed(me: Http) -> list[int]:
    """What organisation administrator, catalog author, vApp author and vApp user get who enable a template."""
    statuses = []
    for user in ("administrator", "cataloger", "author", "reader"):
        _as(me, f"{user}@Org0")
        href = str(me.record("vAppTemplate", "Template0").get("href"))
        statuses.append(me.call("POST", f"{href}/action/enableDownload").status)
        me.cell.engine.settle()
    return statuses


def _forbidden(me: Http) -> tuple[bool, int, str | None]:
    _as(me, "author@Org0")
    href = str(me.record("vAppTemplate", "Template0").get("href"))
    shown = "enable" in links(me.get(href))
    answer = me.call("POST", f"{href}/action/enableDownload")
    return shown, answer.status, etree.fromstring(answer.data).get("minorErrorCode")


def _while_busy(me: Http) -> tuple[list[int], bool]:
    """What enabling and disabling answer while an export runs, and whether the entity offers them."""
    gate, source = Gate(), me.cell._source
    assert isinstance(source, MadeUpSource)
    source.before = gate
    href = str(me.vapp().get("href"))
    answers = [me.call("POST", f"{href}/action/enableDownload")]
    assert gate.reached.wait(30)
    shown = "enable" in links(me.vapp())
    for action in ("enableDownload", "disableDownload"):
        answers.append(me.call("POST", f"{href}/action/{action}"))
    gate.release()
    me.cell.engine.settle()
    for answer in answers:
        assert answer.status != 400 or etree.fromstring(answer.data).get("minorErrorCode") == "BUSY_ENTITY"
    return [answer.status for answer in answers], shown


def _looks_at(me: Http, done: Callable[[], bool]) -> int:
    return next(n for n in range(100) if done())


def _lag(me: Http) -> tuple[int, int]:
    """How many looks show nothing of a new download, and go on showing one that is disabled."""
    href = str(me.record("vApp", "vApp0").get("href"))
    me.call("POST", f"{href}/action/enableDownload")
    me.cell.engine.settle()
    appeared = _looks_at(me, lambda: "download:default" in links(me.get(href)))
    me.call("POST", f"{href}/action/disableDownload")
    return appeared, _looks_at(me, lambda: "download:default" not in links(me.get(href)))


def _waits(me: Http) -> tuple[int, bool, bool]:
    """How many looks at the task show it running; whether the links are there before the last one, and after."""
    href = str(me.record("vApp", "vApp0").get("href"))
    task = me.call("POST", f"{href}/action/enableDownload").headers["Location"]
    me.cell.engine.settle()
    before = "download:default" in links(me.get(href))
    looks = _looks_at(me, lambda: me.get(task).get("status") == "success")
    return looks, before, "download:default" in links(me.get(href))


def _refused(state: str) -> See:
    def see(me: Http) -> tuple[int, str | None]:
        source = me.cell._source
        assert isinstance(source, MadeUpSource)
        if state == "running":
            source.powers["DC0_C0_RP0_VM0"] = "poweredOn"
        if state == "expired":
            me.cell.clock.advance(86400)
            me.log_in()
        name = {"running": "vApp0", "empty": "empty", "expired": "leased"}[state]
        href = str(me.record("vApp", name).get("href"))
        answer = me.call("POST", f"{href}/action/enableDownload")
        return answer.status, etree.fromstring(answer.data).get("message")

    return see


def _stale(me: Http) -> tuple[int, int, int]:
    """A GET without a token, with one that opens nothing, with one's own."""
    descriptor, _ = urls(me)
    sent: tuple[dict[str, str], ...] = ({}, {"Authorization": "Bearer nobody"}, me.token)
    first, second, third = (me.pool.request("GET", descriptor, headers=headers).status for headers in sent)
    return first, second, third


def _other_cell(me: Http) -> list[int]:
    """What another cell on the same share and database answers at once, and 30 s later."""
    path = urls(me)[0].removeprefix(me.cell.url)
    with Cell(
        None, transfer_dir=me.cell.transfer_dir, clock=me.cell.clock, profile=me.cell.profile,
        database=me.cell._database, name="second", source=MadeUpSource(), authority=me.cell.authority,
    ) as second:  # fmt: skip
        seen = [me.pool.request("GET", second.url + path).status]
        me.cell.clock.advance(30)
        assert me.pool.request("GET", me.cell.url + path).status == 200
        return [*seen, me.pool.request("GET", second.url + path).status]


def _medium(me: Http) -> dict[str, str]:
    """The attributes of the file of a medium whose download is enabled."""
    href = str(me.record("media", "tools").get("href"))
    assert me.call("POST", links(me.get(href))["enable"]).status == 202
    me.cell.engine.settle()
    (file,) = me.get(href).iterfind("{*}Files/{*}File")
    (link,) = file
    answer = me.pool.request("GET", str(link.get("href")))
    assert answer.data == DISK and file.get("size") == str(len(DISK))
    assert str(link.get("href")).rpartition("/")[2] == file.get("name")
    return {str(key): str(value) for key, value in file.items() if key != "size"}


def _given(*names: str) -> See:
    """These headers of a descriptor and of a disk, GET and HEAD alike; what is validated is resumed."""

    def see(me: Http) -> list[list[str | None]]:
        descriptor, disk = urls(me)
        seen = []
        for url in (descriptor, disk):
            got, head = me.pool.request("GET", url), me.pool.request("HEAD", url)
            assert all(got.headers.get(name) == head.headers.get(name) for name in names)
            seen.append([got.headers.get(name) for name in names])
        return seen

    return see


def _validated(me: Http) -> tuple[bool, bool, list[int]]:
    """Whether there are validators, and what a resume answers: by each of them, by another's, by one of old."""
    descriptor, disk = urls(me)
    validators = [me.pool.request("HEAD", disk).headers.get(name) for name in ("ETag", "Last-Modified")]
    other = me.pool.request("HEAD", descriptor).headers.get("ETag")
    asked = [*validators, other, '"old"']
    statuses = [
        me.pool.request("GET", disk, headers={"Range": "bytes=5-", "If-Range": value or '"none"'}).status
        for value in asked
    ]
    return None not in validators, validators[0] == other, statuses


def _half_built(me: Http) -> list[str]:
    """What stands on the share before the reaper comes, of an export that its cell has died in."""
    return [path.name.partition("-")[0] for path in me.cell.transfer_dir.iterdir()]


def leave_half(url: str, share: Path) -> None:
    """Write down what a process leaves that was killed in an export, on the share too."""
    store, clock = Store(url), Clock(start=START)
    (vapp,) = (e for e in Catalogue.read().entities.values() if e.name == "vApp0")
    spool, journal = Spool(share, store.identity), Journal("default", clock.now)
    spool.prepare()
    directory = spool.aside_name()
    transfers = Transfers(store, clock, BASE, journal, cell="cell", on_step=lambda step: None)
    with store.change() as db:
        task_id = Tasks(store, clock, journal, cell="cell").create(db, vapp, "user", "operation", "name")
        transfers.create(db, vapp.id, task_id, directory)
    spool.begin(directory)
    (directory / "disk0.vmdk").write_bytes(DISK)
    store.close()


def leave_task(url: str) -> str:
    """Write down what a process leaves that was killed in an export."""
    store, clock = Store(url), Clock(start=START)
    (vapp,) = (e for e in Catalogue.read().entities.values() if e.name == "vApp0")
    tasks = Tasks(store, clock, Journal("default", clock.now), cell="cell")
    with store.change() as db:
        task_id = tasks.create(db, vapp, "administrator", "Enabling download", "vdcEnableDownload")
        tasks.step(db, task_id, TaskInput.START)
    store.close()
    return task_id


MIME = "application/vnd.vmware.vcloud.org"
ENOUGH = [True] * 4 + [False]
SWITCHES: dict[str, tuple[See, dict[Any, Any]]] = {
    "offered": (
        _offered,
        {("34.0", "36.0"): (["34.0", "36.0"], 200), ("35.0", "36.0"): (["35.0", "36.0"], 406)},
    ),
    "deprecated": (
        _deprecated, {(): ([], ""), ("31.0", "32.0"): (["31.0", "32.0"], "32.0, 31.0")},
    ),
    "www_authenticate": (_challenge, {
        "BASIC": {'BASIC realm="vCloud"'},
        "Basic+SIGN+Bearer": {'Basic realm="vCloud", SIGN realm="vCloud", Bearer realm="vCloud"'},
    }),
    "accept_error": (_not_acceptable, {406: (406, "406", "NOT_ACCEPTABLE"), 400: (400, "400", "BAD_REQUEST")}),
    "expired_session": (_expired_session, {401: (401, True), 403: (403, False)}),
    "session_idle_s": (lambda me: _idle(me, 100), {100: (200, 401), 101: (200, 200), 60: (401, 401)}),
    "session_absolute_s": (_ends(100), {60: 100.0, 5000: 5000.0, 5001: 5100.0}),
    "url_expiry_s": (_expires, {2700: 2700.0, 7200: 7200.0}),
    "reaper_s": (_reaped, {3600: 3600.0, 5000: 5000.0}),
    "get_refreshes": (_refreshed, {
        "both": (True, True), "end": (True, True), "start": (True, False), "never": (False, False),
    }),
    "expired_status": (_dead, {404: {404}, 403: {403}, 410: {410}}),
    "disable_removes": (_disabled, {"at-once": True, "reaper": False}),
    "finish_removes": (_finished, {"no": (200, False), "yes": (404, True)}),
    "enable_right": (_allowed, {
        "org-admin": [202, 403, 403, 403], "+catalog-author": [202, 202, 403, 403],
        "+vapp-author": [202, 202, 202, 403],
    }),
    "missing_right": (_forbidden, {
        "403": (True, 403, "ACCESS_TO_RESOURCE_IS_FORBIDDEN"),
        "link-hidden": (False, 403, "ACCESS_TO_RESOURCE_IS_FORBIDDEN"),
    }),
    "lock_during_enable": (_while_busy, {
        "none": ([202, 202, 204], True), "BUSY_ENTITY": ([202, 400, 400], True),
    }),
    "links_while_busy": (_while_busy, {
        "shown": ([202, 202, 204], True), "hidden": ([202, 202, 204], False),
    }),
    "link_lag": (_lag, {0: (0, 0), 3: (3, 3)}),
    "task_waits": (_waits, {0: (0, True, True), 2: (1, False, True), 5: (4, False, True)}),
    "running_message": (_refused("running"), {
        BASE.text("running_message"): (
            400, 'The requested operation could not be executed on vApp "vApp0". Stop the vApp and try again.',
        ),
        "{name} runs": (400, "vApp0 runs"),
    }),
    "empty_message": (_refused("empty"), {
        BASE.text("empty_message"): (
            400, 'The requested operation could not be executed since vApp "empty" does not have any VMs.',
        ),
        "{name} is empty": (400, "empty is empty"),
    }),
    "expired_message": (_refused("expired"), {
        BASE.text("expired_message"): (
            400, 'The requested operation could not be executed on vApp "leased". Its storage lease has expired.',
        ),
        "{name} is over": (400, "leased is over"),
    }),
    "stale_token_on_transfer": (_stale, {"ignored": (200, 200, 200), "401": (200, 401, 200)}),
    "per_cell_view_lag_s": (_other_cell, {0: [200, 200], 30: [404, 200], 31: [404, 404]}),
    "media_file_name": (_medium, {
        "file": {"name": "file", "bytesTransferred": "0"},
        "<name>.iso": {"name": "tools.iso", "bytesTransferred": "0"},
    }),
    "file_bytes_transferred": (_medium, {
        "present": {"name": "file", "bytesTransferred": "0"}, "absent": {"name": "file"},
    }),
    "repeat_enable": (_repeated, {"same": True, "new": False}),
    "build_at": (_built_at, {"enable": (["vmdk"], 200, "vmdk"), "get": ([], 200, "vmdk")}),
    "repeat_restarts": (_repeat_restarts, {"yes": True, "no": False}),
    "transfer_validators": (_validated, {
        "absent": (False, True, [200] * 4), "present": (True, False, [206, 206, 200, 200]),
    }),
    "content_disposition": (_given("Content-Disposition"), {
        "absent": [[None]] * 2,
        "attachment": [
            ['attachment; filename="descriptor.ovf"'],
            [f'attachment; filename="vm-{_id("vm", "Org0", "Vdc0", "vApp0", VM)}-disk-0.vmdk"'],
        ],
    }),
    "file_content_type": (_given("Content-Type"), {
        "application/octet-stream": [["text/xml"], ["application/octet-stream"]], "absent": [["text/xml"], [None]],
    }),
    "half_built": (_half_built, {"orphan": [".building"], "at-start": []}),
    "ova_link_type": (_ova_type, {"application/binary": ["application/binary"] * 2, "text/xml": ["text/xml"] * 2}),
    "vapp_enable_operation_name": (_operation_name, {
        "vdcEnableDownload": ("vdcEnableDownload", "vdcEnableDownload"),
        "vappEnableDownload": ("vappEnableDownload", "vdcEnableDownload"),
    }),
    "transfer_auth": (_session_needed, {"not-needed": (200, 200, 200), "needed": (401, 401, 200)}),
    "range": (_ranged, {"206": (206, True, True), "200-full": (200, False, False)}),
    "head": (_head, {"200": (200, str(len(DISK))), "405": (405, "0")}),
    "disk_names": (_disk_name, {"diskN.vmdk": "disk0.vmdk", "vm-<uuid>-disk-N.vmdk": "vm-<uuid>-disk-0.vmdk"}),
    "descriptor_mf": (_manifest, {"absent": 404, "present": 200}),
    "dead_cell_tasks": (_left, {"fail-at-start": "error", "stay-running": "running"}),
    "removed_login_status": (_removed_login, {n: (n, str(n)) for n in (404, 403, 405)}),
    "request_id_header": (_having(REQUEST, SPENT), {"api-only": ENOUGH, "never": [False] * 5}),
    "echo_token": (_having(TOKEN), {
        "login": [True, False, False, False, False], "all": [True, True, False, False, False],
    }),
    "set_cookie": (_having(COOKIE), {
        "never": [False] * 5, "login": [True, False, False, False, False], "all": [True, True, False, False, False],
    }),
    "vary": (_having("Vary"), {"absent": [False] * 5, "present": ENOUGH}),
    "mime_case": (_media, {
        "camel": (f"{MIME}List+xml;version=36.0", f"{MIME}List+xml"),
        "lower": (f"{MIME}list+xml;version=36.0", f"{MIME}List+xml"),
    }),
}  # fmt: skip
CASES = [(name, value) for name, (_, values) in SWITCHES.items() for value in values]


def test_every_switch_is_walked_through_every_value() -> None:
    assert set(SWITCHES) == set(BASE.fields)
    for name, (_, values) in SWITCHES.items():
        field = BASE.fields[name]
        if field.accepted is not None:
            assert set(values) == set(field.accepted), name
        # No two values look alike, save that a GET's end hides its beginning.
        assert len({repr(seen) for seen in values.values()}) == len(values) - (name == "get_refreshes"), name
        assert len(values) > 1, name


@pytest.mark.parametrize(("name", "value"), CASES, ids=str)
def test_a_switch_does_what_it_says(tmp_path: Path, name: str, value: Any) -> None:
    see, values = SWITCHES[name]
    base = load_profile("cell-38.0") if name == "removed_login_status" else BASE
    profile = base.but(**{name: list(value) if isinstance(value, tuple) else value})
    url = f"sqlite:///{tmp_path / 'cell.sqlite'}"
    left = leave_task(url) if name == "dead_cell_tasks" else ""
    if name == "half_built":
        leave_half(url, tmp_path / "transfer")
    with Cell(
        None, transfer_dir=tmp_path / "transfer", clock=Clock(start=START), profile=profile, database=url,
        source=MadeUpSource(data=LONG if name == "get_refreshes" else DISK), catalogue=with_media_and_users(),
    ) as cell, Http(cell) as me:  # fmt: skip
        me.left = left
        if name != "removed_login_status":
            me.log_in()
        assert see(me) == values[value]
