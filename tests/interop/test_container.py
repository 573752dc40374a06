"""The Dockerfile, built and run by a container engine where there is one."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from interop.support import run

ROOT = Path(__file__).parents[2]
IMAGE = "twohop-test"


def no_engine() -> str:
    """What stands in the way of a container here, or nothing."""
    try:
        asked = subprocess.run(["docker", "info"], capture_output=True, text=True, check=False, timeout=30)
    except OSError:
        return "no docker command: install an engine (Debian: docker.io) to build and run the Dockerfile"
    except subprocess.TimeoutExpired:
        return "docker info does not answer, so the Dockerfile is neither built nor run"
    return "" if asked.returncode == 0 else "no container engine answers, so the Dockerfile is neither built nor run"


pytestmark = [pytest.mark.interop, pytest.mark.timeout(600)]


def test_the_image_gets_healthy_and_stops() -> None:
    if why := no_engine():
        pytest.skip(why)
    run("docker", "build", "-q", "-t", IMAGE, ROOT)
    started = run("docker", "run", "-d", "--rm", "--network", "host", "-e", "TWOHOP_CONTROL_PORT=18697", IMAGE)
    container = started.stdout.strip()
    try:
        assert run("docker", "exec", container, "id", "-un").stdout.strip() == "twohop"
        # Ends when the variables have been printed, which is when every port answers.
        follow = ["timeout", "60", "docker", "logs", "-f", container]
        with subprocess.Popen(follow, stdout=subprocess.PIPE, text=True) as logs:
            assert logs.stdout is not None
            assert any(line.startswith("TWOHOP_CONTROL_URL=") for line in logs.stdout)
            logs.terminate()
        ready = "import urllib.request as r; r.urlopen('http://127.0.0.1:18697/v1/ready', timeout=5)"
        run("docker", "exec", container, "python", "-c", ready)
    finally:
        run("docker", "stop", container, code=None)
