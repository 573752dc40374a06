"""The distance to recorded servers: reading cassettes, comparing shapes, and replaying a session that never was."""

from __future__ import annotations

import base64
import gzip
import json
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from twohop.cli._drift import command
from twohop.contracts.drift import (
    Answer,
    CassetteError,
    Figures,
    Request,
    Terms,
    compare,
    read_cassette,
    read_inventory,
)
from twohop.fakes import VCenter

SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
HEAD = (
    f'<?xml version="1.0"?><e:Envelope xmlns:e="{SOAP}" xmlns:xsd="http://www.w3.org/2001/XMLSchema"'
    ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><e:Body>'
)
TAIL = "</e:Body></e:Envelope>"
COOKIE = 'vmware_soap_session="{}"; Path=/; HttpOnly; Secure;'
INNER = (
    '<FetchResponse xmlns="urn:vim25"><returnval xsi:type="VirtualMachineSummary"><vm type="VirtualMachine">vm-1</vm>'
    "<config><name>a</name><numCpu>2</numCpu><template>false</template></config>"
    "<when>2024-01-01T00:00:00Z</when><key>1</key><key>2</key>"
    '<value xsi:type="xsd:string">7</value></returnval></FetchResponse>'
)


def answer(inner: str = INNER, status: int = 200, **headers: str) -> Answer:
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(status, {"content-type": "text/xml; charset=utf-8", **names}, f"{HEAD}{inner}{TAIL}")


def different(theirs: Answer, ours: Answer, *, same: bool = True) -> list[str]:
    return [str(each) for each in compare(theirs, ours, Terms(same, {}))]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("vm-1", "vm-99"),
        ("<name>a</name>", "<name>another &amp; longer</name>"),
        ("<numCpu>2</numCpu>", "<numCpu>64</numCpu>"),
        ("<key>1</key><key>2</key>", "<key>1</key><key>2</key><key>3</key>"),
        ("2024-01-01T00:00:00Z", "2025-12-31T23:59:59.123456Z"),
        ('string">7<', 'string">seven<'),
        ("<FetchResponse", "\n  <FetchResponse"),
    ],
)
def test_values_are_no_matter_of_shape(old: str, new: str) -> None:
    assert old in INNER
    assert different(answer(), answer(INNER.replace(old, new))) == []


@pytest.mark.parametrize(
    ("old", "new", "where"),
    [
        ("<numCpu>2</numCpu>", "", "numCpu: recorded present, came absent"),
        ("<numCpu>2</numCpu>", "<numCpu>two</numCpu>", "numCpu: recorded number, came text"),
        ("<template>false</template>", "<template>0</template>", "template: recorded truth, came number"),
        ("<when>2024-01-01T00:00:00Z</when>", "<when>soon</when>", "when: recorded time, came text"),
        ("<name>a</name><numCpu>2</numCpu>", "<numCpu>2</numCpu><name>a</name>", "order name, numCpu"),
        ("<config>", "<config><extra>1</extra>", "extra: recorded absent, came present"),
        ('type="VirtualMachine"', 'type="HostSystem"', "vm: recorded type VirtualMachine, came type HostSystem"),
        ('"VirtualMachineSummary"', '"VirtualMachineConfigSummary"', "VirtualMachineSummary"),
        ('"xsd:string"', '"xsd:int"', "xsi:type"),
        ('"urn:vim25"', '"urn:vim2"', "{urn:vim25}FetchResponse"),
        ("FetchResponse", "RetrieveResponse", "FetchResponse"),
        ("<config>", '<config versionId="1">', "attributes"),
    ],
)
def test_what_is_a_matter_of_shape_is_found_and_named(old: str, new: str, where: str) -> None:
    assert old in INNER
    (found,) = different(answer(), answer(INNER.replace(old, new)))
    assert where in found


def test_the_answer_s_status_and_the_headers_that_matter_are_compared() -> None:
    assert different(answer(), answer(status=500)) == ["status: recorded 200, came 500"]
    theirs = answer(set_cookie=COOKIE.format("1" * 40), date="today", server="a")
    assert different(theirs, answer(set_cookie=COOKIE.format("2" * 40), date="tomorrow")) == []
    for other in (COOKIE.format("52000000-0000-0000-0000-000000000000"), f"vmware_soap_session={'1' * 40}; Path=/"):
        assert "set-cookie" in different(theirs, answer(set_cookie=other))[0]
    assert "recorded nothing" in different(answer(), answer(set_cookie=COOKIE.format("1" * 40)))[0]


def test_every_shape_in_a_list_has_to_be_met() -> None:
    entry = '<d xsi:type="Disk"><key>1</key></d>'
    backed = '<d xsi:type="Disk"><key>1</key><backing>b</backing></d>'
    other = '<d xsi:type="Nic"><key>1</key></d>'

    def listed(*entries: str) -> Answer:
        return answer(f'<R xmlns="urn:vim25">{"".join(entries)}</R>')

    assert different(listed(entry, entry, backed), listed(backed, entry)) == []
    assert different(listed(entry, backed), listed(entry, entry)) == ["R/d/backing: recorded present, came absent"]
    assert different(listed(entry, entry), listed(entry, backed)) == ["R/d/backing: recorded absent, came present"]
    assert "Nic" in different(listed(entry, other), listed(entry, entry))[0]
    # Another inventory may lack a type, but what it has of one is compared.
    assert different(listed(entry, other), listed(entry, entry), same=False) == []
    assert different(listed(entry, backed), listed(entry, entry), same=False) != []


def test_properties_are_compared_by_name() -> None:
    def told(*names: str, kind: str = "xsd:int") -> Answer:
        rows = "".join(f'<propSet><name>{n}</name><val xsi:type="{kind}">1</val></propSet>' for n in names)
        return answer(f'<R xmlns="urn:vim25"><returnval><obj type="Folder">f</obj>{rows}</returnval></R>')

    assert different(told("a", "b"), told("a", "b")) == []
    assert "propSet[b]: recorded present, came absent" in different(told("a", "b"), told("a"))[0]
    assert "propSet[b]: recorded absent, came present" in different(told("a"), told("a", "b"))[0]
    assert "order" in different(told("a", "b"), told("b", "a"))[0]
    assert "xsi:type" in different(told("a"), told("a", kind="xsd:long"))[0]


def write(path: Path, *exchanges: tuple[str, Answer], **more: object) -> Path:
    rows = [
        {
            "request": {"method": "POST", "uri": "https://vc:443/sdk", "headers": {"Cookie": [""]}, "body": asked},
            "response": {
                "status": {"code": each.status, "message": ""},
                "headers": {name: [value] for name, value in each.headers.items()},
                "body": {"string": each.body},
            },
        }
        for asked, each in exchanges
    ]
    path.write_text(yaml.safe_dump({"version": 1, "interactions": rows, **more}))
    return path


ROW = """interactions:
- request: {method: GET, uri: 'https://h/p', body: null}
  response: {status: {code: 200}, headers: {}, body: {string: x}}"""


def request(inner: str) -> str:
    return f"{HEAD}{inner}{TAIL}"


LOGIN = request(
    '<Login xmlns="urn:vim25"><_this type="SessionManager">SessionManager</_this><userName>root</userName>'
    "<password>xxxx</password></Login>"
)
FETCH = request('<Fetch xmlns="urn:vim25"><_this type="Folder">group-d1</_this><prop>{}</prop></Fetch>')
SESSION = (
    '<LoginResponse xmlns="urn:vim25"><returnval><key>52000000-0000-0000-0000-000000000000</key>'
    "<userName>root</userName><fullName>root </fullName><loginTime>2024-01-01T00:00:00Z</loginTime>"
    "<lastActiveTime>2024-01-01T00:00:00Z</lastActiveTime><locale>en</locale><messageLocale>en</messageLocale>"
    "<extensionSession>false</extensionSession><ipAddress>10.0.0.1</ipAddress><userAgent>x</userAgent>"
    "<callCount>0</callCount></returnval></LoginResponse>"
)
NAME = '<FetchResponse xmlns="urn:vim25"><returnval xsi:type="xsd:string">All of it</returnval></FetchResponse>'
GOOD = (
    (LOGIN, answer(SESSION, cache_control="no-cache", set_cookie=COOKIE.format("a" * 40))),
    (FETCH.format("name"), answer(NAME, cache_control="no-cache")),
    (FETCH.format("parent"), answer('<FetchResponse xmlns="urn:vim25"></FetchResponse>', cache_control="no-cache")),
)


def run(path: Path) -> tuple[int, dict[str, object]]:
    result = CliRunner().invoke(command, [str(path), "--json"])
    return result.exit_code, json.loads(result.output)


def test_a_replayed_session_is_counted_by_operation_and_in_both_modes(tmp_path: Path) -> None:
    code, document = run(write(tmp_path / "good.yaml", *GOOD))
    assert code == 0
    counts = {"alike": 3, "different": 0, "not_implemented": 0, "declared": 0}
    assert {name: document[name] for name in ("exchanges", *counts)} == {"exchanges": 3, **counts}
    assert set(document["operations"]) == {"Login", "Fetch"}  # type: ignore[call-overload]
    assert document["operations"]["Fetch"]["alike"] == 2  # type: ignore[index]
    assert set(document["modes"]) == {"imported", "own"}  # type: ignore[call-overload]
    assert document["modes"]["own"]["alike"] == 3  # type: ignore[index]


@pytest.mark.parametrize(
    ("old", "new"),
    [("<locale>en</locale>", ""), ("<callCount>0</callCount>", "<calls>0</calls>"), ("<key>", '<key xsi:type="x">')],
)
def test_one_altered_element_comes_out_different(tmp_path: Path, old: str, new: str) -> None:
    asked, right = GOOD[0]
    assert old in right.body
    altered = (asked, Answer(right.status, right.headers, right.body.replace(old, new)))
    code, document = run(write(tmp_path / "altered.yaml", altered, *GOOD[1:]))
    assert (code, document["different"], document["alike"]) == (1, 1, 2)
    (where,) = document["differences"]  # type: ignore[misc]
    assert (where["number"], where["operation"]) == (0, "Login")


def test_both_modes_are_judged(tmp_path: Path) -> None:
    # The recording tells of a machine whose guest says nothing; in the fake's own world every such machine does.
    unset = answer('<FetchResponse xmlns="urn:vim25"></FetchResponse>', cache_control="no-cache")
    asked = request('<Fetch xmlns="urn:vim25"><_this type="VirtualMachine">vm-7</_this><prop>summary</prop></Fetch>')
    code, document = run(write(tmp_path / "own.yaml", *GOOD, (asked, unset)))
    assert code == 1
    assert [document["modes"][mode]["different"] for mode in ("imported", "own")] == [1, 1]  # type: ignore[index]


def test_what_the_fake_has_not_is_neither_alike_nor_different(tmp_path: Path) -> None:
    asked = request(
        '<QueryNetConfig xmlns="urn:vim25"><_this type="HostProfileManager">HostProfileManager</_this></QueryNetConfig>'
    ).replace("QueryNetConfig", "FindAssociatedProfile").replace(
        "</_this>", '</_this><entity type="Folder">group-d1</entity>'
    )  # fmt: skip
    code, document = run(write(tmp_path / "gap.yaml", *GOOD, (asked, answer("<R/>"))))
    assert (code, document["not_implemented"], document["alike"]) == (1, 1, 3)


def test_the_recorded_inventory_becomes_the_fake_s(tmp_path: Path) -> None:
    cassette = read_cassette(write(tmp_path / "good.yaml", *GOOD))
    inventory = read_inventory(cassette)
    # The root folder stands in requests alone; what was asked of it was answered, so it is there.
    assert {each.id: each.type for each in inventory.objects.values()} == {
        "SessionManager": "SessionManager", "group-d1": "Folder"
    }  # fmt: skip
    told = answer(
        '<R xmlns="urn:vim25"><returnval><obj type="VirtualMachine">vm-7</obj>'
        '<propSet><name>name</name><val xsi:type="xsd:string">seven</val></propSet>'
        '<propSet><name>runtime.powerState</name><val xsi:type="VirtualMachinePowerState">poweredOn</val></propSet>'
        '<propSet><name>config.hardware.nothing</name><val xsi:type="Nonsense">1</val></propSet></returnval></R>'
    )
    inventory = read_inventory(read_cassette(write(tmp_path / "told.yaml", (FETCH, told))))
    fake = VCenter()
    fake.adopt({"vm-7": {"type": "VirtualMachine", "properties": inventory.objects["vm-7"].properties}})
    machine = fake.world.vm("seven")
    assert (machine.moid, machine.power.value) == ("vm-7", "poweredOn")
    assert machine in machine.host.vms and machine in machine.datastore.vms and machine in machine.pool.vms
    assert fake.world.datacenter_of(machine) is not None


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("none.yaml", None, "cannot be read"),
        ("text.yaml", "just text", "no list under"),
        ("list.yaml", "- 1\n- 2\n", "no list under"),
        ("yaml.yaml", "a: [1\nb: {", "not YAML"),
        ("object.yaml", "interactions: !!python/object/apply:os.system ['true']", "is not taken"),
        ("empty.yaml", "interactions: [{}]", "interaction 0 lacks 'request'"),
        ("new.yaml", "interactions: !!python/object/new:os.system ['true']", "is not taken"),
        ("module.yaml", "interactions: !!python/name:os.system ''", "is not taken"),
        ("binary.yaml", ROW.replace("{string: x}", "{string: !binary a}"), "not in base 64"),
        ("number.yaml", "interactions: [7]", "interaction 0 lacks 'request'"),
        ("part.yaml", "interactions: [{request: 1, response: 2}]", "a 'request' that is no mapping"),
        ("uri.yaml", ROW.replace("'https://h/p'", "7"), "a 'uri' that is no text"),
        ("ipv6.yaml", ROW.replace("https://h/p", "https://[h/p"), "a 'uri' that is none"),
        ("method.yaml", ROW.replace("method: GET", "verb: GET"), "lacks 'method'"),
        ("status.yaml", ROW.replace("code: 200", "code: fine"), "a 'status' that is no number"),
        ("nostatus.yaml", ROW.replace("status: {code: 200}, ", ""), "lacks 'status'"),
        ("headers.yaml", ROW.replace("headers: {}", "headers: 5"), "'headers' of its response"),
        ("base64.yaml", ROW.replace("{string: x}", "{base64_string: a}"), "not in base 64"),
        ("gzip.yaml", ROW.replace("{string: x}", "{string: !!binary H4sIAAAA}"), "a compressed body that is cut off"),
        ("zip.yaml", ROW.replace("{string: x}", "{string: !!binary H4sA/wAA}"), "a compressed body that is broken"),
        ("second.yaml", ROW + "\n- {}", "interaction 1 lacks"),
        ("deep.yaml", "[" * 5000, "nested too deep|not YAML"),
        ("nul.yaml", "a\0b", "not YAML"),
        ("nothing.yaml", "", "no list under"),
        ("log.json", '{"calls": []}', "no list under"),
    ],
)
def test_a_file_that_is_no_cassette_is_refused_in_one_line(
    tmp_path: Path, name: str, text: str | None, reason: str
) -> None:
    path = tmp_path / name
    if text is not None:
        path.write_text(text)
    with pytest.raises(CassetteError, match=reason) as caught:
        read_cassette(path)
    assert "\n" not in str(caught.value) and str(path) in str(caught.value)
    result = CliRunner().invoke(command, [str(path)])
    assert result.exit_code == 2
    assert len(result.output.strip().splitlines()) == 1


def test_cassettes_of_every_age_read_alike(tmp_path: Path) -> None:
    body = "<a>\N{LATIN SMALL LETTER E WITH ACUTE}</a>"
    coded = base64.b64encode(body.encode()).decode()
    response = "response: {status: {code: 200, message: OK}, headers: {}, body: {string: %s}}"
    ruby = "http_interactions:\n- request: {method: get, uri: 'https://h/p'}\n  response:\n    status: "
    plain = f"interactions:\n- request: {{method: GET, uri: 'https://h/p', body: null, headers: {{}}}}\n  {response}"
    texts = {
        "python3": plain % json.dumps(body, ensure_ascii=False),
        "python2": plain % f"!!python/unicode {json.dumps(body)}",
        "binary": plain % f"!!binary {coded}",
        "ruby": f"{ruby}{{code: 200}}\n    headers: {{A: b}}\n    body: {{string: {json.dumps(body)}}}",
        "gzip": plain.replace("headers: {}, body", "headers: {Content-Encoding: [gzip]}, body")
        % f"!!binary {base64.b64encode(gzip.compress(body.encode())).decode()}",
        "unpacked": plain.replace("headers: {}, body", "headers: {content-encoding: gzip}, body")
        % json.dumps(body, ensure_ascii=False),
        "letters": plain % json.dumps(gzip.compress(body.encode()).decode("latin-1")),
        "pieces": plain % f"[!!binary {coded}, '']",
        "json": json.dumps(yaml.safe_load(plain % json.dumps(body))),
        "betamax": json.dumps(
            {
                "http_interactions": [
                    {
                        "request": {
                            "body": {"encoding": "utf-8", "string": ""},
                            "headers": {"A": ["b"]},
                            "method": "GET",
                            "uri": "https://h/p",
                        },
                        "response": {
                            "body": {"base64_string": coded},
                            "headers": {},
                            "url": "https://h/p",
                            "status": {"code": 200, "message": "OK"},
                        },
                    }
                ]
            }
        ),
        "pairs": plain.replace("headers: {}, body", "headers: [[A, b], [A, c]], body") % json.dumps(body),
        "line": plain.replace("{code: 200, message: OK}", "200 OK") % json.dumps(body),
        "ruby64": f"{ruby}200\n    headers: {{}}\n    body: {{encoding: ASCII-8BIT, base64_string: {coded}}}",
    }
    for name, text in texts.items():
        path = tmp_path / f"{name}.yaml"
        path.write_text(text, "utf-8")
        (exchange,) = read_cassette(path).exchanges
        assert (exchange.request.method, exchange.request.path) == ("GET", "/p"), name
        assert (exchange.answer.status, exchange.answer.body) == (200, body), name


REQUEST = "body: x\n    headers: {A: [b]}\n    method: POST\n    uri: https://h/p\n"
RESPONSE = "  response: {status: {code: 200}, headers: {set-cookie: [a=b]}, body: {string: <a/>}}\n"
FORMS_OF_RECORDERS = {
    "vcr of ruby 1.9": f"""http_interactions:
- request:
    method: post
    uri: https://h/p
    body: {{encoding: US-ASCII, string: x}}
    headers: {{!binary "QQ==": [!binary "Yg=="]}}
  response:
    status: {{code: 200, message: !binary T0s=}}
    headers: {{!binary "U2V0LUNvb2tpZQ==": [!binary "YT1i"]}}
    body: {{encoding: ASCII-8BIT, string: !binary "{base64.b64encode(gzip.compress(b"<a/>")).decode()}"}}
recorded_with: VCR 2.9.0
""",
    "vcr before 2.0": """---
- !ruby/struct:VCR::HTTPInteraction
  request: !ruby/struct:VCR::Request
    method: :post
    uri: https://h:443/p
    body: x
    headers: {a: [b]}
  response: !ruby/struct:VCR::Response
    status: !ruby/struct:VCR::ResponseStatus {code: 200, message: OK}
    headers: {set-cookie: [a=b]}
    body: <a/>
""",
    "vcrpy before 1.0": """- request: !!python/object:vcr.request.Request
    body: x
    headers: !!python/object/apply:__builtin__.frozenset
    - - !!python/tuple [A, b]
    host: h
    method: POST
    path: /p
    port: 443
    protocol: https
  response: {status: {code: 200}, headers: ["set-cookie: a=b\\r\\n"], body: {string: <a/>}}
""",
    "vcrpy with an open body": "interactions:\n- request:\n    "
    + REQUEST.replace(
        "body: x", "body: !!python/object/new:_io.BytesIO {state: !!python/tuple [!!binary eA==, 0, null]}"
    )
    + RESPONSE,
    "vcrpy with bytes": "interactions:\n- request:\n    "
    + REQUEST.replace("body: x", "body: !!binary eA==").replace("POST", "!!binary UE9TVA==")
    + RESPONSE,
    "vcrpy of httpx": "interactions:\n- request:\n    "
    + REQUEST
    + "  response: {status_code: 200, http_version: HTTP/1.1, headers: {set-cookie: [a=b]}, content: <a/>}\n",
    "json with tabs": "\ufeff"
    + json.dumps(yaml.safe_load(f"interactions:\n- request:\n    {REQUEST}{RESPONSE}"), indent="\t").replace(
        "/", "\\/"
    ),
}


@pytest.mark.parametrize("name", FORMS_OF_RECORDERS)
def test_what_recorders_wrote_of_their_own_objects_is_taken_as_data(tmp_path: Path, name: str) -> None:
    path = tmp_path / "cassette.yaml"
    path.write_text(FORMS_OF_RECORDERS[name], "utf-8")
    (exchange,) = read_cassette(path).exchanges
    assert exchange.request == Request("POST", "/p", {"a": "b"}, "x")
    assert exchange.answer == Answer(200, {"set-cookie": "a=b"}, "<a/>")


def test_half_a_pair_of_surrogates_in_json_is_text(tmp_path: Path) -> None:
    path = tmp_path / "half.json"
    path.write_text(json.dumps(yaml.safe_load(ROW)).replace('"x"', '"<a>\\ud83d</a>"'))
    (exchange,) = read_cassette(path).exchanges
    assert exchange.answer.body == "<a>?</a>"


def test_a_request_without_a_body_and_an_answer_without_one_are_empty(tmp_path: Path) -> None:
    path = tmp_path / "bare.yaml"
    path.write_text(ROW.replace("body: {string: x}", "url: u").replace(", body: null", ""))
    (exchange,) = read_cassette(path).exchanges
    assert (exchange.request.body, exchange.answer.body) == ("", "")


def test_a_directory_s_json_logs_are_no_cassettes(tmp_path: Path) -> None:
    write(tmp_path / "good.yaml", *GOOD)
    (tmp_path / "log.json").write_text('{"calls": []}')
    (tmp_path / "one.json").write_text(json.dumps(yaml.safe_load((tmp_path / "good.yaml").read_text())))
    code, document = run(tmp_path)
    assert (code, document["exchanges"], document["alike"]) == (0, 6, 6)


SEARCH = request(
    '<FindByUuid xmlns="urn:vim25"><_this type="SearchIndex">SearchIndex</_this>'
    "<uuid>5001ad1b-c78d-179e-ecd7-1cc0e1cf1b96</uuid><vmSearch>true</vmSearch>"
    "<instanceUuid>true</instanceUuid></FindByUuid>"
)


def test_a_search_finds_what_the_recorded_one_found_in_both_modes(tmp_path: Path) -> None:
    found = answer(
        '<FindByUuidResponse xmlns="urn:vim25"><returnval type="VirtualMachine">vm-93</returnval></FindByUuidResponse>',
        cache_control="no-cache",
    )
    code, document = run(write(tmp_path / "search.yaml", *GOOD, (SEARCH, found)))
    assert (code, document["alike"]) == (0, 4)
    assert document["modes"]["own"]["alike"] == 4  # type: ignore[index]
    nothing = answer('<FindByUuidResponse xmlns="urn:vim25"></FindByUuidResponse>', cache_control="no-cache")
    assert run(write(tmp_path / "nothing.yaml", *GOOD, (SEARCH, nothing)))[0] == 0


def test_the_target_is_counted_of_what_is_not_declared() -> None:
    figures = Figures()
    figures.counts.update(alike=97, different=2, not_implemented=1, declared=4)
    assert figures.near and round(figures.alike_percent) == 97
    figures.counts["declared"] = 5
    assert not figures.near
    figures.counts.update(declared=0, alike=96, different=3)
    assert not figures.near


FILTER = "session[52000000-0000-0000-0000-000000000000]52000000-0000-0000-0000-000000000001"
TASK = (
    '<key>task-7</key><task type="Task">task-7</task><name>PowerOnVM_Task</name>'
    '<descriptionId>VirtualMachine.powerOn</descriptionId><entity type="VirtualMachine">vm-7</entity>'
    "<entityName>seven</entityName>"
)


def info(state: str, more: str = "") -> str:
    return (
        f'<val xsi:type="TaskInfo">{TASK}<state>{state}</state><cancelled>false</cancelled>'
        '<cancelable>false</cancelable><reason xsi:type="TaskReasonUser"><userName>u</userName></reason>'
        f"<queueTime>2026-01-01T00:00:00Z</queueTime>{more}<eventChainId>5</eventChainId></val>"
    )


def called(name: str, inner: str, result: str) -> tuple[str, Answer]:
    """A call and its recorded answer."""
    told = answer(f'<{name}Response xmlns="urn:vim25">{result}</{name}Response>', cache_control="no-cache")
    return request(f'<{name} xmlns="urn:vim25">{inner}</{name}>'), told


def waited(version: str, after: int, kind: str, change: str) -> tuple[str, Answer]:
    """A wait for updates and the recorded update of one task."""
    return called(
        "WaitForUpdatesEx",
        f'<_this type="PropertyCollector">propertyCollector</_this><version>{version}</version>',
        f'<returnval><version>{after}</version><filterSet><filter type="PropertyFilter">{FILTER}</filter><objectSet>'
        f'<kind>{kind}</kind><obj type="Task">task-7</obj><changeSet>{change}</changeSet></objectSet></filterSet>'
        "</returnval>",
    )


@pytest.mark.parametrize(
    ("later", "different"),
    [
        ("<name>info</name><op>assign</op>" + info("success", ENDED := "<startTime>2026-01-01T00:00:00Z</startTime>"
          "<completeTime>2026-01-01T00:00:01Z</completeTime>"), None),
        ('<name>info.state</name><op>assign</op><val xsi:type="TaskInfoState">success</val>', None),
        ('<name>info.stage</name><op>assign</op><val xsi:type="TaskInfoState">success</val>', "changeSet[info.stage]"),
        ("<name>info</name><op>assign</op>" + info("success", ENDED + "<stage>1</stage>"), "changeSet[info]/val/stage"),
    ],
)  # fmt: skip
def test_a_task_that_is_done_sooner_than_the_recorded_one_is_no_difference(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, later: str, different: str | None
) -> None:
    # The fake's task has ended at the first look; what the recorded client waits for then would never come.
    monkeypatch.setattr("twohop.contracts.drift._replay._MOVES", 0)
    machine = '<_this type="VirtualMachine">vm-7</_this>'
    told = called(
        "RetrievePropertiesEx",
        '<_this type="PropertyCollector">propertyCollector</_this><specSet><propSet><type>VirtualMachine</type>'
        '<pathSet>runtime.powerState</pathSet></propSet><objectSet><obj type="VirtualMachine">vm-7</obj></objectSet>'
        "</specSet><options></options>",
        '<returnval><objects><obj type="VirtualMachine">vm-7</obj><propSet><name>runtime.powerState</name>'
        '<val xsi:type="VirtualMachinePowerState">poweredOff</val></propSet></objects></returnval>',
    )
    spec = (
        '<_this type="PropertyCollector">propertyCollector</_this><spec><propSet><type>Task</type><pathSet>info'
        '</pathSet></propSet><objectSet><obj type="Task">task-7</obj></objectSet></spec>'
        "<partialUpdates>false</partialUpdates>"
    )
    session = (
        *GOOD,
        told,
        called("PowerOnVM_Task", machine, '<returnval type="Task">task-7</returnval>'),
        called("CreateFilter", spec, f'<returnval type="PropertyFilter">{FILTER}</returnval>'),
        waited("", 1, "enter", "<name>info</name><op>assign</op>" + info("queued")),
        waited("1", 2, "modify", later),
        called("DestroyPropertyFilter", f'<_this type="PropertyFilter">{FILTER}</_this>', ""),
    )
    code, document = run(write(tmp_path / "task.yaml", *session))
    assert code == (0 if different is None else 1), document["differences"]
    assert document["different"] == (0 if different is None else 1)
    for each in document["differences"]:  # type: ignore[attr-defined]
        assert different is not None and different in each["where"][0], each


WALK = (
    '<_this type="PropertyCollector">propertyCollector</_this><specSet><propSet><type>{}</type><pathSet>name</pathSet>'
    '</propSet><objectSet><obj type="{}">{}</obj><skip>true</skip><selectSet xsi:type="TraversalSpec"><type>{}</type>'
    "<path>{}</path></selectSet></objectSet></specSet>"
)


def walk(kind: str, of: str, start: str, path: str, *found: tuple[str, str]) -> tuple[str, Answer]:
    """One step down an inventory, as clients list it, and what was found there."""
    rows = "".join(
        f'<returnval><obj type="{kind}">{moid}</obj><propSet><name>name</name><val xsi:type="xsd:string">{name}</val>'
        "</propSet></returnval>"
        for moid, name in found
    )
    return called("RetrieveProperties", WALK.format(kind, of, start, of, path), rows)


def test_what_is_found_by_walking_stands_where_it_was_found(tmp_path: Path) -> None:
    session = (
        walk("Datacenter", "Folder", "group-d1", "childEntity", ("datacenter-2", "A"), ("datacenter-9", "B")),
        walk("Folder", "Datacenter", "datacenter-9", "hostFolder", ("group-h4", "host")),
        walk("ComputeResource", "Folder", "group-h4", "childEntity", ("domain-s5", "alone"), ("domain-s6", "other")),
        walk("HostSystem", "ComputeResource", "domain-s6", "host", ("host-7", "other")),
        walk("ResourcePool", "ComputeResource", "domain-s6", "resourcePool", ("resgroup-8", "Resources")),
        walk("ResourcePool", "ResourcePool", "resgroup-8", "resourcePool", ("resgroup-9", "inner")),
    )
    inventory = read_inventory(read_cassette(write(tmp_path / "walk.yaml", *GOOD, *session)))
    fake = VCenter()
    fake.adopt({s.id: {"type": s.type, "properties": s.properties} for s in inventory.objects.values()})
    places = {moid: getattr(fake.world.objects[moid].parent, "moid", None) for moid in ("group-h4", "host-7")}
    assert places == {"group-h4": "datacenter-9", "host-7": "domain-s6"}
    assert fake.world.objects["resgroup-9"].parent is fake.world.objects["resgroup-8"]
    # The last step leads to a pool within a pool, which the fake's own world has not.
    code, document = run(write(tmp_path / "walk.yaml", *GOOD, *session[:-1]))
    assert code == 0, [document["modes"][mode]["differences"] for mode in ("imported", "own")]  # type: ignore[index]


@pytest.mark.parametrize(
    ("version", "api", "kind"),
    [("8.0.1", "2.5u2", "VirtualCenter"), ("7.0.3", "0.1", "HostAgent"), ("x", "x", "VirtualCenter"), ("", "", "gsx")],
)
def test_a_recording_of_a_product_that_nobody_knows_is_measured_all_the_same(
    tmp_path: Path, version: str, api: str, kind: str
) -> None:
    this = '<_this type="ServiceInstance">ServiceInstance</_this>'
    about = f"<version>{version}</version><build>1</build><apiType>{kind}</apiType><apiVersion>{api}</apiVersion>"
    told = called("RetrieveServiceContent", this, f"<returnval><about>{about}</about></returnval>")
    _, document = run(write(tmp_path / "odd.yaml", told, *GOOD))
    assert document["exchanges"] == 4


@pytest.mark.parametrize(
    ("where", "what", "alike"),
    [
        ("headers", {"X-Name": ["\N{EURO SIGN}"]}, 3),
        ("headers", {"X-Folded": ["a\n b"]}, 3),
        ("method", "G E T", 2),
        ("uri", "https://vc/a b", 2),
    ],
)
def test_a_request_that_cannot_be_sent_as_it_stands_ends_no_measurement(
    tmp_path: Path, where: str, what: object, alike: int
) -> None:
    path = write(tmp_path / "odd.yaml", *GOOD)
    data = yaml.safe_load(path.read_text())
    data["interactions"][1]["request"][where] = what
    path.write_text(yaml.safe_dump(data))
    _, document = run(path)
    assert (document["exchanges"], document["alike"]) == (3, alike)
