"""`twohop serve`: its variables, its files, its worlds, its end."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest
import urllib3

http = urllib3.PoolManager(retries=False, timeout=30)


def test_variables_are_those_that_every_other_command_reads(serve, run, tmp_path):
    served = serve("--cell")
    expected = {
        "TWOHOP_VCENTER_URL", "TWOHOP_USER", "TWOHOP_PASSWORD", "TWOHOP_CA_FILE", "TWOHOP_CELL_URL", "TWOHOP_CELL_USER",
        "TWOHOP_CELL_PASSWORD", "TWOHOP_TRANSFER_DIR", "TWOHOP_CONTROL_URL", "GOVC_URL", "GOVC_TLS_CA_CERTS",
    }  # fmt: skip
    assert set(served.environment) == expected
    assert served.environment["TWOHOP_CONTROL_URL"].startswith("http://127.0.0.1:")
    one = run("export", "DC0_C0_RP0_VM0", "-o", tmp_path / "one", env=served.environment)
    assert one.returncode == 0, one.stderr
    cell = served.environment["TWOHOP_CELL_URL"]
    two = run("export", "vApp0", "--via", cell, "-o", tmp_path / "two", env=served.environment)
    assert two.returncode == 0, two.stderr
    assert {path.suffix for path in (tmp_path / "one").iterdir()} == {".ovf", ".mf", ".vmdk"}
    assert any(path.suffix == ".vmdk" for path in (tmp_path / "two").iterdir())
    single = run("export", "DC0_C0_RP0_VM0", "--via", cell, "-o", tmp_path / "no", env=served.environment)
    assert single.returncode == 1 and single.stderr.count("\n") == 1 and "Traceback" not in single.stderr


def test_a_profile_of_esxi_serves_one_host_that_is_exported_from_in_one_hop(serve, run, tmp_path):
    served = serve("--profile", "esxi-8.0")
    about = http.request("GET", served.environment["TWOHOP_CONTROL_URL"] + "/v1/about").json()
    assert list(about) == ["esxi"] and about["esxi"]["product"] == "esxi"
    assert about["esxi"]["hosts"] == {"DC0_C0_H0": served.environment["TWOHOP_VCENTER_URL"]}
    assert served.environment["TWOHOP_USER"] == "root"
    one = run("export", "DC0_C0_RP0_VM0", "-o", tmp_path / "one", env=served.environment)
    assert one.returncode == 0, one.stderr
    assert {path.suffix for path in (tmp_path / "one").iterdir()} == {".ovf", ".mf", ".vmdk"}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--profile", "esxi-8.0", "--cell"], "a cell stands before a vCenter, not before esxi-8.0"),
        (["--profile", "esxi-8.0", "--hosts", "2"], "esxi-8.0 is one host by itself; got 2 hosts"),
    ],
)
def test_what_a_standalone_host_cannot_have_is_said_in_one_line(run, options, said):
    refused = run("serve", *options)
    assert refused.returncode == 1 and said in refused.stderr and refused.stderr.count("\n") == 1


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_stops_clean(serve, tmp_path, how):
    served = serve("--cell")
    ca, transfer = Path(served.environment["TWOHOP_CA_FILE"]), Path(served.environment["TWOHOP_TRANSFER_DIR"])
    assert ca.exists() and transfer.is_dir()
    code, out, err = served.stop(how)
    assert (code, err) == (0, "")
    assert out == "" and served.printed == served.lines
    left = [path for path in (ca, transfer, served.env_file, served.ready_file) if path.exists()]
    assert left == []


def test_passwords_are_for_the_owner_alone(serve):
    served = serve()
    assert served.env_file.stat().st_mode & 0o077 == 0


def test_worlds_have_ports_credentials_and_clocks_of_their_own(serve):
    default = serve().environment
    control = default["TWOHOP_CONTROL_URL"]
    made = http.request("POST", f"{control}/v1/worlds", json={"name": "mine", "vms": 3, "running": False})
    assert made.status == 201
    mine = made.json()["environment"]
    assert mine["TWOHOP_VCENTER_URL"] != default["TWOHOP_VCENTER_URL"]
    assert mine["TWOHOP_PASSWORD"] != default["TWOHOP_PASSWORD"]
    before = http.request("GET", f"{control}/v1/worlds/mine/clock").json()
    http.request("POST", f"{control}/v1/clock/advance", json={"seconds": 10_000})
    after = http.request("GET", f"{control}/v1/worlds/mine/clock").json()
    assert before == after and after["running"] is False
    assert http.request("DELETE", f"{control}/v1/worlds/mine").status == 204
    assert http.request("GET", f"{control}/v1/worlds").json() == {"worlds": ["default"]}


def test_a_world_may_be_one_host(serve):
    control = serve().environment["TWOHOP_CONTROL_URL"]
    made = http.request("POST", f"{control}/v1/worlds", json={"name": "host", "profile": "esxi-7.0", "vms": 1})
    assert made.status == 201 and made.json()["environment"]["TWOHOP_USER"] == "root"
    about = http.request("GET", f"{control}/v1/worlds/host/about").json()
    assert about["esxi"]["profile"] == "esxi-7.0"
    assert http.request("DELETE", f"{control}/v1/worlds/host").status == 204


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"name": "default"}, "there is a world"),
        ({"name": "a", "profile": "esxi-8.0", "cell": True}, "a cell stands before a vCenter"),
        ({"name": "a", "profile": "esxi-8.0", "hosts": 3}, "one host by itself; got 3 hosts"),
        ({"name": "../x"}, "is named by"),
        ({"name": "a", "vmz": 1}, "no option 'vmz'"),
        ({"name": "a", "vms": "2"}, "vms is a int"),
        ({"name": "a", "profile": "vcenter-x"}, "no version 'x'"),
        ({"name": "a", "hosts": 0}, "at least 1 host"),
        ({}, "name the world"),
        (
            {
                "name": "a",
                "world": {"datacenters": [{"hosts": ["h"], "vms": [{"disks": [{"content": "/etc/shadow"}]}]}]},
            },
            "files need serve --world",
        ),
        *(
            ({"name": "a", "world": {"datacenters": [{"hosts": ["h"], "vms": [vm]}]}}, "files need serve --world")
            for vm in (
                {"nvram": {"content": "/etc/shadow"}},
                {"images": [{"content": "/etc/shadow"}]},
                {"disks": [{}], "snapshots": [{"name": "s", "delta": [{"content": "/dev/sda"}]}]},
            )
        ),
    ],
)
def test_a_wrong_world_is_refused_with_what_is_wrong(serve, asked, said):
    control = serve().environment["TWOHOP_CONTROL_URL"]
    answer = http.request("POST", f"{control}/v1/worlds", json=asked)
    assert answer.status == 400 and said in answer.json()["error"]
    assert http.request("GET", f"{control}/v1/worlds").json() == {"worlds": ["default"]}


def test_passwords_are_told_to_nobody_who_asks_later(serve):
    served = serve("--cell")
    control = served.environment["TWOHOP_CONTROL_URL"]
    for path in ("worlds/default", "about", "journal", "worlds"):
        told = http.request("GET", f"{control}/v1/{path}").data.decode()
        assert served.environment["TWOHOP_PASSWORD"] not in told
        assert served.environment["TWOHOP_CELL_PASSWORD"] not in told


def test_a_name_that_is_not_ours_is_not_answered(serve):
    control = serve().environment["TWOHOP_CONTROL_URL"]
    assert http.request("GET", f"{control}/v1/about", headers={"Host": "evil.example"}).status == 403
    assert http.request("GET", f"{control}/v1/about", headers={"Host": "localhost:1"}).status == 200


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--profile", "vmware-8.0"], "no profile 'vmware-8.0'"),
        (["--world", "broken.yaml"], "is not YAML"),
        (["--world", "wrong.yaml"], "no 'dics'"),
    ],
)
def test_bad_input_is_one_line_that_says_what_to_do(run, tmp_path, monkeypatch, arguments, said):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "broken.yaml").write_text("twohop: [1")
    (tmp_path / "wrong.yaml").write_text("twohop: 1\ndatacenters: [{hosts: [h], vms: [{name: a, dics: []}]}]\n")
    ended = run("serve", *arguments, "--ready-file", tmp_path / "never")
    assert ended.returncode == 1 and said in ended.stderr and "Traceback" not in ended.stderr
    assert not (tmp_path / "never").exists()


def test_a_version_nobody_listed_takes_the_nearest_and_says_so(serve):
    served = serve("--profile", "vcenter-7.5")
    code, _, err = served.stop()
    assert code == 0 and "taking the nearest profile, vcenter-7.0" in err


def test_a_plan_of_faults_strikes_and_counts(serve, run, tmp_path):
    plan = tmp_path / "faults.yaml"
    plan.write_text("faults:\n- match: {server: DC0_C0_H0, nth: 1, path: '*'}\n  action: {kind: empty}\n")
    served = serve("--cell", "--faults", plan)
    control = served.environment["TWOHOP_CONTROL_URL"]
    made = http.request(
        "POST",
        f"{control}/v1/faults",
        json={"match": {"server": "cell", "path": "/api/*"}, "action": {"kind": "status"}},
    )
    assert made.status == 201
    ended = run("export", "DC0_C0_RP0_VM0", "-o", tmp_path / "one", "--leases", "1", env=served.environment)
    assert ended.returncode == 1 and not (tmp_path / "one").exists()
    cell = served.environment["TWOHOP_CELL_URL"]
    ended = run("export", "vApp0", "--via", cell, "-o", tmp_path / "two", env=served.environment)
    assert ended.returncode == 1 and "503" in ended.stderr
    told = http.request("GET", f"{control}/v1/faults").json()["faults"]
    assert [(rule["action"]["kind"], rule["struck"] > 0) for rule in told] == [("empty", True), ("status", True)]
    http.request("POST", f"{control}/v1/reset")
    told = http.request("GET", f"{control}/v1/faults").json()["faults"]
    assert [(rule["action"]["kind"], rule["seen"]) for rule in told] == [("empty", 0)]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("faults: [", "is not YAML"),
        ("faults: [{match: {server: H9}, action: {kind: reset}}]", "fault 1: there is no server 'H9'"),
        ("faults: [{match: {server: cell}, action: {kind: reset}}]", "fault 1: there is no server 'cell'"),
        ("faults: [{action: {kind: reset}}, {action: {kind: rest}}]", "fault 2: there is no kind 'rest'"),
        ("faults: [{action: {kind: fault, args: {type: TimedOut}}}]", "fault 1: vim25 has no fault 'TimedOut'"),
    ],
)
def test_a_wrong_plan_is_one_line(run, tmp_path, text, said):
    (tmp_path / "faults.yaml").write_text(text)
    ended = run("serve", "--faults", tmp_path / "faults.yaml")
    assert ended.returncode == 1 and said in ended.stderr and ended.stderr.count("\n") == 1


def test_a_scenario_brings_server_world_and_faults(serve, run, tmp_path):
    served = serve("--scenario", "error-without-abort")
    ended = run("export", "DC0_C0_RP0_VM0", "-o", tmp_path / "one", "--leases", "1", env=served.environment)
    assert ended.returncode == 1 and ended.stderr.count("\n") == 1 and not (tmp_path / "one").exists()
    control = served.environment["TWOHOP_CONTROL_URL"]
    made = http.request("POST", f"{control}/v1/worlds", json={"name": "host", "scenario": "star-host"})
    assert made.status == 201 and made.json()["about"]["esxi"]["profile"].startswith("esxi-8.0")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--scenario", "nothing"], "there is no scenario 'nothing'; there are no-keep-alive, "),
        (["--scenario", "star-host", "--profile", "esxi-7.0"], "the scenario star-host brings its own profile"),
    ],
)
def test_a_wrong_scenario_is_one_line(run, options, said):
    ended = run("serve", *options)
    assert ended.returncode == 1 and said in ended.stderr and ended.stderr.count("\n") == 1
