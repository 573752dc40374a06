"""Every snippet of the README and the docs is run as a reader would run it, or says in the file why not.

Blocks fenced as `sh`, `console` or `python` are run, each in an empty directory; one that calls `./dev` in a copy of
the checkout. In a `console` block lines after `$ ` are typed, and the others have to be printed, in that order. A
`python` block with a test in it goes to pytest. `<!-- not run: REASON -->` in the line before a block exempts it.
"""

from __future__ import annotations

import contextlib
import os
import re
import select
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from vcenters import knows

ROOT = Path(__file__).parents[1]
FILES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
PROSE = [*FILES, *sorted(ROOT.glob("*.md"))]
BLOCK = re.compile(
    r"(?:^<!-- not run: (?P<why>.+?) -->\n+)?^```(?P<language>sh|console|python)\n(?P<code>.*?)^```$", re.M | re.S
)
PATIENCE = 150


@dataclass(frozen=True)
class Snippet:
    file: Path
    line: int
    language: str
    code: str
    why_not: str | None

    def __str__(self) -> str:
        return f"{self.file.name}:{self.line}"


def snippets(file: Path) -> list[Snippet]:
    text = file.read_text("utf-8")
    return [
        Snippet(file, text[: found.start("code")].count("\n") + 1, found["language"], found["code"], found["why"])
        for found in BLOCK.finditer(text)
    ]


def run(command: list[str], cwd: Path, path: str) -> str:
    """Run a command in a session of its own and return what it printed; it ends well and leaves nothing running."""
    ours = ("TWOHOP_", "GOVC_", "PYTEST", "TOX", "VIRTUAL_ENV")
    env = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    output, (watch, held) = cwd / "output", os.pipe()
    with output.open("w") as file:
        process = subprocess.Popen(
            command, cwd=cwd, env=env | {"PATH": path}, stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT,
            start_new_session=True, pass_fds=[held],
        )  # fmt: skip
    os.close(held)
    try:
        assert process.wait(PATIENCE) == 0, output.read_text()
        # Whoever was started in the background holds the other end of the pipe.
        assert select.select([watch], [], [], 30)[0], "the snippet leaves a process behind"
    finally:
        os.close(watch)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        process.wait()
    return output.read_text()


def typed(code: str) -> str:
    """The lines of a console block that somebody types."""
    return "".join(line[2:] + "\n" for line in code.splitlines() if line.startswith("$ "))


def printed_in_order(code: str, output: str) -> None:
    at = 0
    for line in code.splitlines():
        if not line.startswith("$ ") and line.strip():
            found = output.find(line, at)
            assert found >= 0, f"{line!r} was not printed in its place, but:\n{output}"
            at = found + len(line)


@pytest.mark.parametrize("snippet", [s for file in FILES for s in snippets(file)], ids=str)
def test_snippet(snippet: Snippet, tmp_path: Path) -> None:
    if snippet.why_not:
        pytest.skip(f"{snippet}: {snippet.why_not}")
    if snippet.language == "python":
        file = tmp_path / "test_snippet.py"
        file.write_text(snippet.code)
        tests = "def test_" in snippet.code
        how = ["-m", "pytest", "-q", "-W", "error", "-p", "no:cacheprovider"] if tests else ["-W", "error"]
        run([sys.executable, *how, str(file)], tmp_path, os.environ["PATH"])
        return
    cwd, path = tmp_path, f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    if "./dev" in snippet.code:
        # As on a machine that has nothing but Python.
        cwd, path = tmp_path / "clone", "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"
        tracked = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
        for name in filter(None, tracked.split("\0")):
            if (ROOT / name).is_file():
                (cwd / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(ROOT / name, cwd / name)
    code = typed(snippet.code) if snippet.language == "console" else snippet.code
    assert code.strip()
    output = run(["bash", "-euc", code], cwd, path)
    if snippet.language == "console":
        printed_in_order(snippet.code, output)


def test_there_are_snippets_and_none_hides_from_the_search() -> None:
    for file in FILES:
        fences = re.findall(r"^ *(?:```|~~~) *(?:sh|bash|shell|console|python|py|pycon)\b", file.read_text(), re.M)
        assert len(fences) == len(snippets(file)), f"{file.name}: fence a block at the margin, as sh, console or python"
    assert snippets(ROOT / "README.md")


@pytest.mark.parametrize("file", PROSE, ids=lambda file: file.name)
def test_links_lead_somewhere(file: Path) -> None:
    text = re.sub(r"```.*?```", "", file.read_text("utf-8"), flags=re.S)
    for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", text):
        if not re.match(r"[a-z]+:", target):
            assert (file.parent / target).exists(), f"{file.name} leads to {target}, which is not there"


@knows("8.0.3.0")
def test_the_generated_page_is_fresh() -> None:
    """What is generated from tables must not say what they said once."""
    ended = subprocess.run(
        [sys.executable, ROOT / "docs" / "generate.py", "--check"], capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr
