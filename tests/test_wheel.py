"""The wheel that is built from here, installed on its own in a fresh environment."""

from __future__ import annotations

import subprocess
import sys
import venv
import zipfile
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ROOTS = ("runtime", "fakes", "exporter", "contracts", "cli")

pytestmark = [
    pytest.mark.timeout(300),
    pytest.mark.skipif(find_spec("build") is None, reason="no package `build` to build the wheel: run `tox -e wheel`"),
]


def run(*command: str | Path, cwd: Path) -> str:
    done = subprocess.run([*map(str, command)], cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("dist")
    # By way of the source distribution, as a release is made.
    run(sys.executable, "-m", "build", "--outdir", out, ROOT, cwd=out)
    return next(out.glob("*.whl"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("fresh")
    venv.create(directory, with_pip=True)
    run(directory / "bin" / "pip", "install", "-q", "--no-compile", wheel, cwd=directory)
    return directory


def test_it_carries_every_file_of_the_five_roots_and_nothing_else(wheel: Path) -> None:
    tracked = run("git", "-C", ROOT, "ls-files", *ROOTS, cwd=ROOT).splitlines()
    expected = {name.split("/", 1)[1] for name in tracked if (ROOT / name).exists()}
    carried = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    assert expected - carried == set()
    assert {name for name in carried if not name.startswith("twohop/")} == set()
    # No root owns the namespace, and each says that it is typed.
    assert "twohop/__init__.py" not in carried
    assert {f"twohop/{root}/py.typed" for root in ROOTS} <= carried


def test_every_module_imports(installed: Path, tmp_path: Path) -> None:
    code = """
import importlib, pkgutil, sys, twohop
names = [found.name for found in pkgutil.walk_packages(twohop.__path__, "twohop.")]
for name in names:
    if not name.endswith("__main__"):
        importlib.import_module(name)
print(len(names), sorted({name.split(".")[1] for name in names}))
"""
    out = run(installed / "bin" / "python", "-W", "error", "-c", code, cwd=tmp_path)
    assert out.split(" ", 1)[1].strip() == str(sorted(ROOTS))
    assert int(out.split()[0]) > 100


def test_the_command_answers(installed: Path, tmp_path: Path) -> None:
    assert "Usage: twohop" in run(installed / "bin" / "twohop", "--help", cwd=tmp_path)
    assert run(installed / "bin" / "pip", "check", cwd=tmp_path)
