"""The journal and the references: what happened, in order, and never a secret."""

from __future__ import annotations

import base64
import json
import re
import sys
import threading
import time
import tracemalloc
import uuid
from urllib.parse import quote
from xml.sax.saxutils import escape

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from twohop.runtime import Journal, References
from twohop.runtime import _journal as journal_module
from twohop.runtime import _references as references_module
from twohop.runtime.serving import ServedExchange

TEXT = st.text(max_size=30)
TICKETS = st.uuids(version=4).map(lambda u: f"52{str(u)[2:]}")
COOKIES = st.one_of(st.binary(min_size=20, max_size=20).map(bytes.hex), st.uuids().map(str))


def _is_plain(password: str) -> bool:
    """Whether it looks like no place of another secret, which would be hidden together with what stands behind it."""
    return References().mask(f"{password}abcdef") == f"{password}abcdef"


PASSWORDS = st.text(st.characters(exclude_categories=("Cc", "Cs")), min_size=6, max_size=30).filter(_is_plain)


def _written(journal: Journal) -> str:
    return journal.ndjson()


@given(before=TEXT, after=TEXT, ticket=TICKETS, known=st.booleans())
def test_a_ticket_in_a_path_never_stands_in_the_journal(before: str, after: str, ticket: str, known: bool) -> None:
    journal = Journal("w", lambda: 0.0)
    if known:
        journal.references.name("ticket", ticket)
    for path in (f"/nfc/{ticket}/disk-0.vmdk", f"/ha-nfc/{ticket}/", f"/nfc/{ticket.upper()}/x"):
        journal.record("exchange", server="H0", path=f"{before} {path} {after}", nested={"deep": [path]})
    assert ticket not in _written(journal)
    assert ticket.upper() not in _written(journal)


@given(before=st.text("abc019-/=%2F._", max_size=8), after=st.text("abc019-/=%2F._", max_size=8), ticket=TICKETS)
@example(before="/nfc%2F", after="%2Fdisk-0.vmdk", ticket="52345678-1234-4123-8123-123456789abc")
@example(before="x", after="x", ticket="52345678-1234-4123-8123-123456789abc")
def test_a_known_secret_is_found_within_other_letters(before: str, after: str, ticket: str) -> None:
    references = References()
    references.name("ticket", ticket)
    assert ticket not in references.scrub(before + ticket + after)


@given(cookie=COOKIES, form=st.sampled_from(["{0}", '"{0}"', '"{0}"; Path=/; HttpOnly; Secure;', '\\"{0}\\"']))
def test_a_session_cookie_is_known_by_its_place(cookie: str, form: str) -> None:
    journal = Journal("w", lambda: 0.0)
    journal.record("exchange", server="vcenter", cookie=f"a=b; vmware_soap_session={form.format(cookie)}")
    assert cookie not in _written(journal)
    assert "session:?" in _written(journal)
    journal.references.name("session", cookie)
    journal.record("exchange", server="vcenter", cookie=f"a=b; vmware_soap_session={form.format(cookie)}")
    assert "session:1" in _written(journal)


@given(password=PASSWORDS, cdata=st.booleans())
@example(password="ab]cd]efgh", cdata=True)
@example(password="pass word", cdata=False)
@example(password="[[[[[[", cdata=True)
@example(password="<password>", cdata=True)
def test_a_password_is_hidden_however_it_travels(password: str, cdata: bool) -> None:
    references = References()
    name = references.name("password", password)
    forms = [password, escape(password), quote(password, safe=""), json.dumps(password)[1:-1]]
    for form in forms:
        shown = references.scrub(f"<{form}|")
        assert shown == f"<{name}|" or form not in shown
    fresh = References()
    inner = f"<![CDATA[{password}]]>" if cdata and "]]>" not in password else escape(password)
    frame = '<ns:password xsi:type="xsd:string">{}</ns:password>'
    shown = fresh.scrub(frame.format(inner))
    if password.strip() and password not in frame + name:
        assert password not in shown
        # Markup within CDATA is hidden too, with what follows it.
        if inner == escape(password) or "<" not in password:
            assert shown == frame.format(name if inner == escape(password) else f"<![CDATA[{name}]]>")


@given(user=st.text("abcdef", min_size=3), password=PASSWORDS)
def test_credentials_in_a_header_are_hidden(user: str, password: str) -> None:
    encoded = base64.b64encode(f"{user}:{password}".encode()).decode()
    references = References()
    assert references.header("Authorization", f"Basic {encoded}") == "Basic credentials:1"
    assert References().header("X-VCLOUD-Authorization", encoded) == "token:1"
    assert encoded not in references.scrub(f"seen {encoded} again")


def test_one_secret_has_one_name_and_names_count_up_by_kind() -> None:
    references = References()
    first, second = (f"52{str(uuid.uuid4())[2:]}" for _ in range(2))
    assert references.name("ticket", first) == references.name("session", first) == "ticket:1"
    assert references.name("ticket", second) == "ticket:2"
    assert references.scrub(f"https://h/nfc/{first}/disk-0.vmdk") == "https://h/nfc/ticket:1/disk-0.vmdk"
    assert references.scrub("nothing secret, 12345678 and /nfc/disk") == "nothing secret, 12345678 and /nfc/disk"


MADE_UP = (
    "/nfc/52345678-1234-4123-8123-{:012d}/disk-0.vmdk",
    "/transfer/made-up-{:08d}",
    "Basic bWFkZXVw{:08d}",
    "vcloud-token=madeup{:08d}",
    "vmware_soap_session=madeup{:08d}",
    "<password>made up {:08d}</password>",
)


def test_a_server_keeps_nothing_of_secrets_that_anybody_makes_up() -> None:
    journal = Journal("w", lambda: 0.0)
    issued = journal.references.name("transfer", "issued-00000001")
    tracemalloc.start()
    journal.references.mask(MADE_UP[0].format(0))
    before = tracemalloc.get_traced_memory()[0]
    for number in range(2000):
        for form in MADE_UP:
            made_up = form.format(number)
            shown = journal.references.mask(made_up)
            assert ":?" in shown
            assert f"{number:08d}" not in shown
    grown = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    assert grown < 20_000
    assert journal.references.mask("/transfer/issued-00000001") == f"/transfer/{issued}"


@given(
    secrets=st.lists(st.text("ab", min_size=4, max_size=14), min_size=1, max_size=6, unique=True),
    text=st.text("abc", max_size=60),
)
def test_few_secrets_are_found_as_many_are(secrets: list[str], text: str) -> None:
    shown = set()
    for few in (0, 1000):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(references_module, "FEW", few)
            references = References()
            for secret in secrets:
                references.name("ticket", secret)
            shown.add(references.mask(text))
    (only,) = shown
    assert not any(secret in part for part in re.split(r"ticket:\d", only) for secret in secrets)


def test_a_text_looked_through_while_its_secret_is_named_is_looked_through_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    references, index = References(), References._index

    def with_another_thread(self: References, secret: str, name: str) -> None:
        self.mask("/folder/hunter2.vmx")
        index(self, secret, name)
        self.mask("/folder/hunter2.vmx")

    monkeypatch.setattr(References, "_index", with_another_thread)
    references.name("password", "hunter2")
    assert references.mask("/folder/hunter2.vmx") == "/folder/password:1.vmx"


def test_an_observer_names_what_it_sees_up_to_a_bound_and_masks_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(references_module, "LIMIT", 3)
    references = References()
    shown = [references.scrub(f"/transfer/made-up-{number % 5}") for number in range(10)]
    assert shown == [f"/transfer/transfer:{n}" for n in (1, 2, 3, "?", "?", 1, 2, 3, "?", "?")]
    assert references.header("X-VCLOUD-Authorization", "made-up-token") == "token:?"
    assert references.name("transfer", "issued-1") == "transfer:4"
    assert references.scrub("/transfer/issued-1") == "/transfer/transfer:4"


def test_what_a_look_up_costs_does_not_depend_on_how_much_is_known() -> None:
    def steps(known: int) -> int:
        references = References()
        for number in range(known):
            # Of every length, and in every form that has characters of its own.
            references.name("token", f"{number:04x}" + "x&" * (number % 200 + 6))
        text = "/" + "abc019-_.=" * 50
        count = 0

        def trace(frame: object, event: str, arg: object) -> object:
            nonlocal count
            count += 1
            return trace

        sys.settrace(trace)  # type: ignore[arg-type]
        references.scrub(text)
        sys.settrace(None)
        return count

    assert steps(1000) <= steps(200) * 1.2
    assert steps(references_module.FEW // 2) <= steps(200)


@pytest.mark.parametrize("begin", ["<password><![CDATA[", "<password", "/transfer/", "Basic ", "vcloud-token=", "<a:"])
def test_no_text_makes_the_search_for_secrets_long(begin: str) -> None:
    # What grows with the square takes minutes here.
    text = "]]>" + begin * ((1 << 20) // len(begin))
    started = time.process_time()
    References().mask(text)
    assert time.process_time() - started < 10


@given(user=PASSWORDS, tail=st.text("abc0", max_size=4))
def test_places_that_overlap_hide_both(user: str, tail: str) -> None:
    ticket = f"52345678-1234-4123-8123-12345678{(tail + '0000')[:4]}"
    shown = References().mask(f"<password>{escape(user)}/nfc/{ticket}</password> Basic abcdef/nfc/{ticket}")
    assert ticket not in shown
    assert shown == "<password>password:?</password> Basic credentials:?"


def test_a_long_path_is_cut_but_not_within_a_secret() -> None:
    journal = Journal("w", lambda: 0.0)
    journal.references.name("transfer", "issued-00000001")
    path = "/" + "a" * 2030 + "issued-00000001" + "b" * 60000
    journal.exchange(ServedExchange("vcenter", 1, "p", "M" * 9000, path, 200, 0, 0, 0.0, 1.0, "complete"))
    (entry,) = journal.entries()
    assert entry["path"].startswith("/" + "a" * 2030 + "transfer:1bbb")
    assert "issued-" not in entry["path"]
    assert len(entry["path"]) < 2100
    assert entry["path"].endswith(f"... ({len(path)} characters)")
    assert len(entry["method"]) < 2100


def test_a_name_is_not_taken_for_a_secret() -> None:
    journal = Journal("w", lambda: 5.0)
    journal.references.name("transfer", "issued-00000001")
    for path in ("/transfer/issued-00000001/d.ovf", "/transfer/made-up-1/d.ovf"):
        journal.exchange(ServedExchange("cell", 3, "p", "GET", path, 200, 1, 2, 3.0, 4.0, "complete"))
    assert [e["path"] for e in journal.entries()] == ["/transfer/transfer:1/d.ovf", "/transfer/transfer:?/d.ovf"]


def test_an_exchange_is_written_down_as_the_server_reports_it() -> None:
    journal = Journal("w", lambda: 5.0)
    journal.exchange(ServedExchange("H0", 3, "127.0.0.1:9", "GET", "/x", 404, 1, 2, 3.0, 4.0, "cut"))
    assert journal.entries() == [
        {
            "v": 1, "seq": 1, "t": 5.0, "world": "w", "server": "H0", "observer": "server", "kind": "exchange",
            "conn": 3, "peer": "127.0.0.1:9", "method": "GET", "path": "/x", "status": 404, "received": 1, "sent": 2,
            "t0": 3.0, "t1": 4.0, "end": "cut",
        }
    ]  # fmt: skip


def test_an_entry_has_its_form_and_ndjson_one_line_each() -> None:
    moments = iter([1.0, 2.0, 3.0])
    journal = Journal("w", lambda: next(moments))
    journal.record("exchange", server="H0", path="/x\n{}", status=200)
    journal.record("clock", server="control", observer="test", advanced=3.5)
    journal.record("transition", server="vcenter", old=None, new=b"\xff\x00")
    first, second, third = (json.loads(line) for line in journal.ndjson().splitlines())
    assert first == {
        "v": 1, "seq": 1, "t": 1.0, "world": "w", "server": "H0", "observer": "server", "kind": "exchange",
        "path": "/x\n{}", "status": 200,
    }  # fmt: skip
    assert (second["observer"], second["advanced"], third["new"]) == ("test", 3.5, "\\xff\x00")
    assert [e["seq"] for e in journal.entries(since=1)] == [2, 3]
    assert [e["seq"] for e in journal.entries(kind="clock")] == [2]


def test_what_is_no_kind_or_no_plain_value_is_refused_at_once() -> None:
    journal = Journal("w", lambda: 0.0)
    with pytest.raises(ValueError, match="cannot be of kind 'gossip'; kinds are clock, exchange"):
        journal.record("gossip", server="x")
    with pytest.raises(TypeError, match="holds plain values, not a object"):
        journal.record("fault", server="x", error=object())
    assert journal.ndjson() == ""


def test_a_cut_forgets_but_does_not_count_anew() -> None:
    journal = Journal("w", lambda: 0.0)
    journal.record("clock", server="x")
    journal.cut()
    journal.record("clock", server="x")
    assert [e["seq"] for e in journal.entries()] == [2]


def test_a_full_journal_drops_the_oldest_and_says_how_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal_module, "LIMIT", 3)
    journal = Journal("w", lambda: 0.0)
    for _ in range(5):
        journal.record("clock", server="x")
    assert ([e["seq"] for e in journal.entries()], journal.dropped) == ([3, 4, 5], 2)


def test_threads_that_write_at_once_lose_nothing() -> None:
    journal = Journal("w", lambda: 0.0)
    threads = [
        threading.Thread(target=lambda: [journal.record("clock", server="x") for _ in range(200)]) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [e["seq"] for e in journal.entries()] == list(range(1, 801))
