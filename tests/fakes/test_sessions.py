"""Login, Logout and cookies on the wire (section 10)."""

from __future__ import annotations

import contextlib
import re
import threading

import pytest

from soap_wire import Wire, objects, props, ref
from twohop.fakes import VCenter
from twohop.fakes.machines import SessionState
from twohop.fakes.vim import _sessions as sessions_module
from twohop.runtime.profiles import known_profiles, load_profile
from vcenters import make

VCENTERS = [name for name in known_profiles() if name.startswith("vcenter-")]
FORMS = {
    "hex40": r"[0-9a-f]{40}",
    "uuid52": r"52[0-9a-f]{6}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}",
    "UUID": r"[0-9A-F]{8}-(?:[0-9A-F]{4}-){3}[0-9A-F]{12}",
}
SET = re.compile(r'vmware_soap_session="([^"]+)"; Path=/;( HttpOnly; Secure;)?')


@pytest.mark.parametrize("profile", VCENTERS)
def test_the_cookie_comes_when_and_as_the_version_gives_it(profile: str) -> None:
    old = profile in ("vcenter-4.1", "vcenter-5.5")
    form = {"vcenter-4.1": "UUID", "vcenter-5.5": "uuid52"}.get(profile, "hex40")
    with make(profile=profile) as vc, Wire(vc) as wire:
        first = wire.content()
        assert (first.cookie is not None) == old
        wire.cookie = first.cookie
        failed = wire.try_login(password="wrong")
        assert failed.fault == "InvalidLogin"
        assert (failed.cookie is not None) == (not old)
        good = wire.try_login()
        assert good.fault is None
        assert (good.cookie is not None) == (not old)
        match = SET.fullmatch(good.cookie or first.cookie or "")
        assert match is not None
        assert (match[2] is None) == (profile == "vcenter-4.1")
        assert re.fullmatch(FORMS[form], match[1])
        if failed.cookie is not None:
            wire.cookie = failed.cookie
            assert wire.content().fault is None
            assert wire.fetch("SessionManager", "SessionManager", "currentSession").texts("returnval") == []


@pytest.mark.parametrize(
    "form",
    [
        "{whole}",
        'vmware_soap_session="{id}"',
        "vmware_soap_session={id}",
        'other=1; vmware_soap_session="{id}"; more=2',
        "vmware_soap_session={id}; $Path=/",
    ],
)
def test_a_cookie_is_taken_in_every_form_that_clients_send(wire: Wire, form: str) -> None:
    whole = wire.try_login().cookie
    assert whole is not None
    match = SET.fullmatch(whole)
    assert match is not None
    wire.cookie = form.format(whole=whole, id=match[1])
    session = wire.fetch("SessionManager", "SessionManager", "currentSession")
    assert session.texts("userName") == ["VSPHERE.LOCAL\\administrator"]


@pytest.mark.parametrize(
    "cookie", ["", "vmware_soap_session=", 'vmware_soap_session=""', "vmware_soap_session=0123456789", "x", "=;=;"]
)
def test_any_other_cookie_opens_nothing(wire: Wire, cookie: str) -> None:
    wire.try_login()
    wire.cookie = cookie
    assert wire.fetch("SessionManager", "SessionManager", "message").fault == "NotAuthenticated"


def test_no_client_chooses_its_own_session_id() -> None:
    with make(profile="vcenter-5.5") as vc, Wire(vc) as wire:
        wire.cookie = "vmware_soap_session=52000000-1111-4222-8333-444444444444"
        assert wire.content().cookie is not None
        answer = wire.try_login()
        assert answer.cookie is not None
        assert wire.fetch("SessionManager", "SessionManager", "message").fault == "NotAuthenticated"
        wire.cookie = answer.cookie
        assert wire.fetch("SessionManager", "SessionManager", "message").fault is None


@pytest.mark.parametrize(("user", "password"), [(None, ""), (None, "wrong"), ("nobody", None), ("", ""), (None, "ä\n")])
def test_a_wrong_login_is_invalid_login(wire: Wire, user: str | None, password: str | None) -> None:
    answer = wire.try_login(user, password)
    assert answer.fault == "InvalidLogin"
    assert answer.message == "Cannot complete login due to an incorrect user name or password."
    assert answer.detail.tag == "{urn:vim25}InvalidLoginFault"
    assert answer.body.findtext("faultcode") == "ServerFaultCode"


def test_login_returns_the_session(wire: Wire) -> None:
    answer = wire.try_login()
    names = [child.tag.removeprefix("{urn:vim25}") for child in answer.body[0]]
    assert names == [
        "key", "userName", "fullName", "loginTime", "lastActiveTime", "locale", "messageLocale", "extensionSession",
        "ipAddress", "userAgent", "callCount",
    ]  # fmt: skip
    assert answer.texts("key")[0] not in (answer.cookie or "")


def test_logout_ends_this_session_and_no_other(vc, wire: Wire) -> None:  # type: ignore[no-untyped-def]
    with Wire(vc) as other:
        wire.login(), other.login()
        logout = wire.call("Logout", "SessionManager", "SessionManager")
        assert (logout.status, len(logout.body), logout.body.tag) == (200, 0, "{urn:vim25}LogoutResponse")
        after = wire.fetch("VirtualMachine", wire.moid("Vm", "VM0"), "name")
        assert after.fault == "NotAuthenticated"
        assert after.texts("privilegeId") == ["System.View"]
        assert after.texts("object") == [wire.moid("Vm", "VM0")]
        assert wire.call("Logout", "SessionManager", "SessionManager").fault == "NotAuthenticated"
        assert other.fetch("VirtualMachine", wire.moid("Vm", "VM0"), "name").texts("returnval") == ["VM0"]


def test_silence_ends_a_session_and_calls_keep_it(user: Wire) -> None:
    idle = user.vcenter.profile.seconds("session_idle_s")
    for _ in range(3):
        user.vcenter.clock.advance(idle - 1)
        assert user.fetch("SessionManager", "SessionManager", "message").fault is None
    user.vcenter.clock.advance(idle)
    assert user.fetch("SessionManager", "SessionManager", "message").fault == "NotAuthenticated"


def test_a_session_that_is_over_is_not_listed(vc, user: Wire) -> None:  # type: ignore[no-untyped-def]
    vc.clock.advance(vc.profile.seconds("session_idle_s"))
    with Wire(vc).login() as other:
        assert len(other.fetch("SessionManager", "SessionManager", "sessionList").texts("key")) == 1


@pytest.mark.parametrize(
    ("path", "privilege"), [("name", "System.View"), ("config.uuid", "System.Read"), ("nonsense", "")]
)
def test_without_a_session_every_property_is_missing(wire: Wire, path: str, privilege: str) -> None:
    answer = wire.retrieve(props("VirtualMachine", path) + objects("VirtualMachine", wire.moid("Vm", "VM0")))
    if path == "nonsense":
        assert answer.fault == "InvalidProperty"
        return
    (missing,) = answer.root.iter("{urn:vim25}missingSet")
    assert missing.findtext("{urn:vim25}path") == path
    assert missing.find(".//{urn:vim25}privilegeId").text == privilege
    assert not answer.texts("val")


def test_without_a_session_nobody_walks_the_inventory(wire: Wire) -> None:
    walk = '<selectSet xsi:type="TraversalSpec"><name>d</name><type>Folder</type><path>childEntity</path></selectSet>'
    answer = wire.retrieve(props("ManagedEntity", "name") + objects("Folder", wire.vcenter.world.root.moid, walk))
    assert answer.texts("obj") == [wire.vcenter.world.root.moid]


@pytest.mark.parametrize(
    "method", ["CreateFilter", "WaitForUpdatesEx", "CreatePropertyCollector", "CancelWaitForUpdates"]
)
def test_without_a_session_nobody_waits(wire: Wire, method: str) -> None:
    inner = props("Folder", "name") + objects("Folder", "group-d1")
    spec = f"<spec>{inner}</spec><partialUpdates>0</partialUpdates>"
    answer = wire.call(method, "PropertyCollector", "propertyCollector", spec if method == "CreateFilter" else "")
    assert answer.fault == "NotAuthenticated"


def test_without_a_session_only_these_answer(wire: Wire) -> None:
    assert wire.content().fault is None
    assert wire.fetch("ServiceInstance", "ServiceInstance", "content").fault is None
    assert wire.call("CurrentTime", "ServiceInstance", "ServiceInstance").fault == "NotAuthenticated"
    vm = wire.moid("Vm", "VM0")
    for method in ("ExportVm", "PowerOnVM_Task", "Destroy_Task"):
        assert wire.call(method, "VirtualMachine", vm).fault == "NotAuthenticated"
    view = ref("container", "Folder", "group-d1") + "<recursive>true</recursive>"
    assert wire.call("CreateContainerView", "ViewManager", "ViewManager", view).fault == "NotAuthenticated"
    assert wire.vcenter.world.leases() == []


def test_a_session_that_two_threads_end_at_once_ends_once(vc: VCenter, user: Wire) -> None:
    user.call("CreatePropertyCollector", "PropertyCollector", "propertyCollector")
    sessions, errors = vc._service.sessions, []
    (session,) = sessions.active()
    (collector,) = session.objects.values()
    closed: list[int] = []
    meet, close = threading.Barrier(2, timeout=1), collector.close

    def slow_close() -> None:
        closed.append(1)
        with contextlib.suppress(threading.BrokenBarrierError):
            meet.wait()
        close()

    collector.close = slow_close

    def end() -> None:
        try:
            sessions.logout(session)
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=end) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (errors, closed) == ([], [1])
    close()
    assert session.value.state is SessionState.LOGGED_OUT


@pytest.mark.parametrize(("fate", "state"), [("ends", "error"), ("stays", "ready")])
def test_a_session_that_falls_silent_ends_by_the_clock_with_its_leases(fate: str, state: str) -> None:
    switches = {"lease_after_idle": fate, "session_idle_s": 200}
    with make(profile=load_profile("vcenter-8.0", switches)) as vc, Wire(vc).login() as wire:
        (moid,) = wire.call("ExportVm", "VirtualMachine", wire.moid("Vm", "VM0")).texts("returnval")
        while wire.fetch("HttpNfcLease", moid, "state").texts("returnval") != ["ready"]:
            pass
        (lease,) = vc.world.leases()
        vc.clock.advance(100)
        assert wire.call("HttpNfcLeaseProgress", "HttpNfcLease", moid, "<percent>0</percent>").fault is None
        vc.clock.advance(199)
        assert lease.state.seen == "ready"
        vc.clock.advance(1)
        assert lease.state.seen == state
        assert vc._service.sessions._sessions == {}


def test_session_ids_that_anybody_is_given_are_forgotten(vc: VCenter, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions_module, "ISSUED", 3)
    sessions = vc._service.sessions
    cookies = [sessions.new_cookie() for _ in range(5)]
    assert [sessions.issued(cookie) for cookie in cookies] == [False, False, True, True, True]


def test_a_reply_to_nobody_leaves_no_name_in_the_journal() -> None:
    with make(profile="vcenter-5.5") as vc, Wire(vc) as wire:
        known = dict(vc.journal.references._names)
        for _ in range(3):
            wire.cookie = None
            assert wire.content().cookie is not None
        assert vc.journal.references._names == known
        wire.login()
        assert "session:1" in vc.journal.references._names.values()
