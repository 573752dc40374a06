"""yavijava, a Java library that knows the fields of its own age alone: whatever is newer in an answer ends it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from interop.support import VM0, Environment, drove, run, served, tool

SOURCE = Path(__file__).parent / "java"
VERSION = "6.0.05"
pytestmark = [
    pytest.mark.interop,
    pytest.mark.timeout(600),
    tool("mvn", "maven"),
    tool("javac", "default-jdk-headless"),
]


@pytest.fixture(scope="module")
def classes(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The class path of the client, which Maven fetches and javac completes."""
    folder = tmp_path_factory.mktemp("java")
    for name in ("pom.xml", "Export.java"):
        shutil.copy(SOURCE / name, folder)
    fetched = run("mvn", "-q", "-B", "dependency:build-classpath", "-Dmdep.outputFile=path", cwd=folder, code=None)
    if fetched.returncode:
        pytest.skip(f"no Maven repository to fetch yavijava from: {fetched.stdout.strip()[-300:]}")
    path = os.pathsep.join([(folder / "path").read_text().strip(), str(folder)])
    run("javac", "-proc:none", "-cp", path, "Export.java", cwd=folder)
    return path


@pytest.fixture(scope="module", params=["vcenter-8.0", "esxi-6.5"])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Environment]:
    with served(tmp_path_factory.mktemp("serve"), "--profile", str(request.param)) as environment:
        yield environment


def test_yavijava_holds_a_lease(classes: str, server: Environment) -> None:
    product = "a vCenter" if server["TWOHOP_USER"] != "root" else "a host"
    drove("yavijava", VERSION, f"reads, operates and exports at {product}")
    told = run("java", "-cp", classes, "Export", VM0, env=server).stdout
    said = dict(line.split(": ", 1) for line in told.splitlines())
    # It is switched on after the lease has ended, which held it.
    assert [said[each] for each in ("snapshot", "removed", "on", "off")] == ["success"] * 4
    assert (said["lease"], said["disk"]) == ("ready", "disk-0.vmdk")
    assert int(said["descriptor"]) > 1000 and int(said["events"]) > 0 and int(said["counters"]) > 0
