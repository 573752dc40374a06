"""Who exports one VM does not pay for a cell."""

from __future__ import annotations

import subprocess
import sys

import pytest


def loaded(statement: str) -> set[str]:
    script = f"{statement}\nimport sys; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    return {name.partition(".")[0] for name in done.stdout.split()}


SERVERS = {"werkzeug", "sqlalchemy", "pytest", "hypothesis", "trustme", "cryptography"}
DISPLAY = {"rich"}
WIRE = {"pyVmomi", "lxml", "ssl", "http", "urllib3"}


@pytest.mark.parametrize("statement", ["import twohop.exporter", "import twohop.exporter.direct"])
def test_the_exporter_loads_no_server_and_no_database(statement: str) -> None:
    modules = loaded(statement)
    assert {"pyVmomi", "lxml"} <= modules
    # urllib3 is for cells, rich for terminals.
    assert not modules & (SERVERS | DISPLAY | {"urllib3"})


@pytest.mark.parametrize("arguments", [[], ["export"], ["verify"], ["serve"], ["cell"]], ids=str)
def test_help_loads_nothing_heavy(arguments: list[str]) -> None:
    """Not a measured time, which depends on the machine, but what would cost it: bench has the figures."""
    modules = loaded(
        f"""
import contextlib, io, sys
from twohop.cli import main
sys.argv = {["twohop", *arguments, "--help"]!r}
with contextlib.redirect_stdout(io.StringIO()) as said, contextlib.suppress(SystemExit):
    main()
assert "Usage: twohop" in said.getvalue()
"""
    )
    assert "click" in modules
    assert modules & (SERVERS | DISPLAY | WIRE | {"email", "asyncio", "yaml"}) == set()


def test_who_shows_no_bars_loads_nothing_that_draws() -> None:
    assert not loaded("import twohop.cli._show") & DISPLAY
