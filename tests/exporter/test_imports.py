"""Who exports one VM does not pay for a cell."""

from __future__ import annotations

import subprocess
import sys

import pytest


def loaded(statement: str) -> set[str]:
    script = f"{statement}\nimport sys; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    return {name.partition(".")[0] for name in done.stdout.split()}


@pytest.mark.parametrize("statement", ["import twohop.exporter", "import twohop.exporter.direct"])
def test_the_exporter_loads_no_server_and_no_database(statement: str) -> None:
    modules = loaded(statement)
    assert {"urllib3", "pyVmomi", "lxml"} <= modules
    assert not modules & {"werkzeug", "sqlalchemy", "pytest", "hypothesis", "rich"}


def test_the_command_loads_the_exporter_only_when_it_runs() -> None:
    modules = loaded("import twohop.cli._export")
    assert "click" in modules
    assert not modules & {"pyVmomi", "urllib3", "lxml", "rich"}
