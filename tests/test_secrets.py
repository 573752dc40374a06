"""Secrets come from `secrets` and are compared in constant time: what no test of behaviour would notice.

A ticket from a seeded source looks like any other, and `==` answers like `compare_digest`; so the source is read.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parent.parent
FAKES = CHECKOUT / "fakes/twohop/fakes"
CELL = CHECKOUT / "exporter/twohop/exporter/cell"
MODULES = sorted(
    [
        *CELL.rglob("*.py"),
        *(CHECKOUT / "runtime").rglob("*.py"),
        FAKES / "_server.py",
        FAKES / "vim/_sessions.py",
        FAKES / "vim/_access.py",
        FAKES / "vim/objects/_session_manager.py",
    ]
)
MINTS = {
    CELL / "engine/_spool.py": ["new_transfer_id", "_name_aside"],
    CELL / "engine/_store.py": ["_identity"],
    CELL / "api/_logins.py": ["log_in", "_new_token"],
    CELL / "_cell.py": ["__init__"],
    FAKES / "_server.py": ["__init__"],
    FAKES / "vim/_sessions.py": ["new_cookie", "uuid52"],
}
"""Where a ticket, cookie, token, password or transfer id is made."""
COMPARES = {
    CELL / "engine/_transfers.py": ["find"],
    CELL / "api/_logins.py": ["log_in", "find"],
    FAKES / "vim/_sessions.py": ["find"],
    FAKES / "vim/_access.py": ["login"],
}
"""Where one that a client shows is compared with one that is known."""
SEEDED = {"random", "numpy"}
SECRET = re.compile(r"password|passwd|token|ticket|secret|credential", re.IGNORECASE)
PLAIN = (ast.Eq, ast.NotEq)


def names(paths: list[Path]) -> list[str]:
    return [str(path.relative_to(CHECKOUT)) for path in paths]


def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"))


def calls(tree: ast.AST) -> Iterator[str]:
    return (ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call))


def function(path: Path, name: str) -> ast.FunctionDef:
    (found,) = (n for n in ast.walk(tree_of(path)) if isinstance(n, ast.FunctionDef) and n.name == name)
    return found


def seeded(tree: ast.AST) -> list[str]:
    """What a module takes from a source that a seed decides, or that tells the time or the machine."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names if alias.name.partition(".")[0] in SEEDED]
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and (node.module or "").partition(".")[0] in SEEDED:
            found.append(str(node.module))
    return found + [call for call in calls(tree) if call in ("uuid.uuid1", "__import__", "importlib.import_module")]


def plain_comparisons(tree: ast.AST) -> list[str]:
    """Comparisons by == or != of which a side is named like a secret."""
    found = []
    for node in ast.walk(tree):
        if not isinstance(node, ast.Compare) or not any(isinstance(op, PLAIN) for op in node.ops):
            continue
        words = [part.id for part in ast.walk(node) if isinstance(part, ast.Name)]
        words += [part.attr for part in ast.walk(node) if isinstance(part, ast.Attribute)]
        if any(SECRET.search(word) for word in words):
            found.append(ast.unparse(node))
    return found


@pytest.mark.parametrize("path", MODULES, ids=names(MODULES))
def test_no_module_that_holds_secrets_knows_a_seeded_source(path: Path) -> None:
    assert seeded(tree_of(path)) == []


@pytest.mark.parametrize(("path", "name"), [(path, name) for path, all_ in MINTS.items() for name in all_])
def test_what_mints_a_secret_asks_secrets(path: Path, name: str) -> None:
    assert any(call.startswith("secrets.") for call in calls(function(path, name)))
    assert "import secrets" in path.read_text("utf-8").splitlines()


@pytest.mark.parametrize("path", MODULES, ids=names(MODULES))
def test_no_secret_is_compared_by_equality(path: Path) -> None:
    assert plain_comparisons(tree_of(path)) == []


@pytest.mark.parametrize(("path", "name"), [(path, name) for path, all_ in COMPARES.items() for name in all_])
def test_what_a_client_shows_is_compared_in_constant_time(path: Path, name: str) -> None:
    assert "hmac.compare_digest" in calls(function(path, name))


@pytest.mark.parametrize(
    ("path", "name"), [("api/_logins.py", "log_in"), ("api/_logins.py", "find"), ("engine/_transfers.py", "find")]
)
def test_what_is_looked_up_is_looked_up_by_digest(path: str, name: str) -> None:
    assert "digest_of" in calls(function(CELL / path, name))


@pytest.mark.parametrize(
    "source",
    ["import random", "from random import Random", "import numpy.random", "x = uuid.uuid1()", "__import__('random')"],
)
def test_a_seeded_source_is_seen(source: str) -> None:
    assert seeded(ast.parse(source))


@pytest.mark.parametrize(
    "source", ["expected == password", "self.password != given", "a.token == b", "x == session_token", "ticket == t"]
)
def test_a_comparison_by_equality_is_seen(source: str) -> None:
    assert plain_comparisons(ast.parse(source))
