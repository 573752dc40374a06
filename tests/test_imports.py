"""Imports go one way, and cores are pure: read from the syntax tree of every module, so that nothing has to run.

Seen are `import`, `from ... import` in any form, relative ones too, and modules named to importlib.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parent.parent
ROOTS = ("runtime", "fakes", "exporter", "contracts", "cli")
MAY_IMPORT = {
    "runtime": set(),
    "fakes": {"runtime"},
    "exporter": {"runtime"},
    "contracts": {"runtime"},
    "cli": {"runtime", "fakes", "exporter", "contracts"},
}
KNOWS_THE_SERVERS = ("twohop.contracts.targets", "twohop.contracts.plugin")
"""The rooms of the contract that may know fakes and exporter."""

LIGHT = frozenset({"__future__", "collections", "pathlib", "pytest", "typing"})
"""What the plugin may import before a fixture is asked for."""

CORES = (
    "runtime/twohop/runtime/faults/_kinds.py",
    "runtime/twohop/runtime/faults/_rules.py",
    "fakes/twohop/fakes/machines/*.py",
    "contracts/twohop/contracts/clauses/*.py",
    "exporter/twohop/exporter/engine/*.py",
    "exporter/twohop/exporter/transfer/_answer.py",
    "exporter/twohop/exporter/transfer/_body.py",
    "exporter/twohop/exporter/transfer/_intake.py",
    "exporter/twohop/exporter/cell/engine/_session.py",
    "exporter/twohop/exporter/cell/engine/_task.py",
)
IMPURE = frozenset(
    {
        *("time", "datetime", "sched", "asyncio", "threading", "multiprocessing", "concurrent", "queue"),
        *(
            "socket",
            "ssl",
            "select",
            "selectors",
            "signal",
            "http",
            "urllib3",
            "subprocess",
            "platform",
            "ctypes",
            "sqlite3",
            "sqlalchemy",
        ),
        *("os", "pathlib", "io", "tempfile", "shutil", "glob", "random", "secrets", "uuid", "werkzeug", "pyVmomi"),
    }
)
IMPURE_CALLS = frozenset({"open", "input", "print", "exec", "eval"})
BY_NAME = frozenset({"import_module", "__import__", "find_spec", "resolve_name"})

MODULES = sorted(path for root in ROOTS for path in (CHECKOUT / root).rglob("*.py"))


def name_of(path: Path) -> tuple[str, bool]:
    """Return the dotted name of a module and whether it is a package."""
    parts = path.relative_to(CHECKOUT).with_suffix("").parts[1:]
    package = parts[-1] == "__init__"
    return ".".join(parts[:-1] if package else parts), package


def imports(source: str, module: str, package: bool) -> Iterator[tuple[str, bool]]:
    """Yield every module that a source names, absolute, and whether it does so as soon as it is imported."""
    tree = ast.parse(source)
    later = {id(inner) for outer in ast.walk(tree) if deferred(outer) for inner in ast.walk(outer)}
    for node in ast.walk(tree):
        at_once = id(node) not in later
        if isinstance(node, ast.Import):
            yield from ((alias.name, at_once) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = absolute("." * node.level + (node.module or ""), module, package)
            yield from ((f"{base}.{alias.name}", at_once) for alias in node.names)
            # Under another name it could not be followed to its call.
            yield from (("?", at_once) for alias in node.names if alias.name in BY_NAME and alias.asname)
        elif isinstance(node, ast.Call) and called(node) in BY_NAME:
            yield from ((name, at_once) for name in asked_for(node, module, package))


def asked_for(node: ast.Call, module: str, package: bool) -> Iterator[str]:
    """Yield the module that a call names, by position or by keyword."""
    given = {keyword.arg: keyword.value for keyword in node.keywords}
    argument = node.args[0] if node.args else given.get("name")
    if argument is not None:
        anchor = node.args[1] if len(node.args) > 1 else given.get("package")
        # Another package to start from than a literal, or none, is known only at run time.
        if isinstance(anchor, ast.Constant) and isinstance(anchor.value, str):
            module, package = anchor.value, True
        yield named(argument, module, package)
    elif None in given:
        yield "?"


def deferred(node: ast.AST) -> bool:
    typing_only = isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
    return typing_only or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)


def called(node: ast.Call) -> str:
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


def absolute(name: str, module: str, package: bool) -> str:
    dots = len(name) - len(name.lstrip("."))
    if dots == 0:
        return name
    here = module.split(".")
    if dots - (1 if package else 0) >= len(here):
        return "?"
    base = here[: len(here) - dots + (1 if package else 0)]
    return ".".join([*base, name[dots:]]).rstrip(".")


def named(argument: ast.expr, module: str, package: bool) -> str:
    """Return the module that a call names, or its part up to where it is made up at run time."""
    parts = argument.values if isinstance(argument, ast.JoinedStr) else [argument]
    first = parts[0]
    if isinstance(first, ast.Constant) and isinstance(first.value, str):
        return absolute(first.value, module, package)
    return "?"


def wrong_way(source: str, module: str, package: bool = False) -> list[str]:
    """Return the imports of a module that the table forbids."""
    root = module.split(".")[1]
    allowed = MAY_IMPORT[root] | {root}
    if module.startswith(KNOWS_THE_SERVERS):
        allowed = allowed | {"fakes", "exporter"}
    found = []
    for name, at_once in imports(source, module, package):
        parts = name.split(".")
        if name == "?" and root != "cli":
            found.append("a module named only at run time")
        elif parts[0] == "twohop" and (len(parts) < 2 or parts[1] not in allowed):
            found.append(name)
        elif module == "twohop.contracts.plugin" and at_once and parts[0] not in LIGHT:
            found.append(f"{name} before a fixture asks for it")
        elif name.startswith("twohop.contracts.targets") and not module.startswith(KNOWS_THE_SERVERS) and root != "cli":
            found.append(name)
    return found


def impurities(source: str, module: str) -> list[str]:
    """Return what a core must not touch."""
    found = [name for name, _ in imports(source, module, False) if name.split(".")[0] in IMPURE or name == "?"]
    calls = (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call))
    return found + [f"{called(node)}()" for node in calls if called(node) in IMPURE_CALLS]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(CHECKOUT)))
def test_imports_go_one_way(path):
    assert wrong_way(path.read_text("utf-8"), *name_of(path)) == []


@pytest.mark.parametrize("pattern", CORES)
def test_cores_are_pure(pattern):
    cores = sorted(CHECKOUT.glob(pattern))
    assert cores, f"no core at {pattern}: has it moved?"
    for path in cores:
        assert impurities(path.read_text("utf-8"), name_of(path)[0]) == [], path


def test_every_root_is_looked_at():
    assert {path.relative_to(CHECKOUT).parts[0] for path in MODULES} == set(ROOTS)


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("twohop.runtime.x", "import twohop.fakes"),
        ("twohop.fakes.x", "from twohop.exporter import export_vm"),
        ("twohop.exporter.x", "from twohop import fakes"),
        ("twohop.exporter.cell.x", "from ...fakes import VCenter"),
        ("twohop.exporter.x", "import importlib\nimportlib.import_module('twohop.fakes')"),
        (
            "twohop.exporter.x",
            "from importlib import import_module as go, import_module\nimport_module('..fakes', 'x')",
        ),
        ("twohop.exporter.x", "import importlib\nimportlib.import_module(name='twohop.fakes')"),
        ("twohop.exporter.x", "import importlib\nimportlib.import_module(package='twohop', name='.fakes')"),
        ("twohop.exporter.x", "import importlib\nimportlib.import_module('.fakes', 'twohop')"),
        ("twohop.exporter.x", "import importlib\nimportlib.import_module('.fakes', package='twohop')"),
        ("twohop.exporter.x", "import importlib\nimportlib.import_module(**where)"),
        ("twohop.exporter.x", "__import__(name='twohop.fakes')"),
        ("twohop.exporter.x", "import pkgutil\npkgutil.resolve_name(name='twohop.fakes:VCenter')"),
        ("twohop.exporter.x", "def late():\n    import twohop.fakes.vmdk"),
        ("twohop.fakes.x", "import importlib\nimportlib.import_module(f'twohop.contracts.{1}')"),
        ("twohop.fakes.x", "import importlib\nimportlib.import_module(whatever)"),
        ("twohop.contracts.clauses.x", "from twohop.fakes.machines import Lease"),
        ("twohop.contracts.drivers.x", "from twohop.contracts.targets import FakeTarget"),
        ("twohop.contracts.drivers.x", "from twohop.exporter import export_vm"),
        ("twohop.contracts.plugin", "import hypothesis"),
        ("twohop.contracts.plugin", "from twohop.contracts.targets import FakeTarget"),
        ("twohop.contracts.x", "import twohop"),
    ],
)
def test_a_wrong_import_is_seen(module, source):
    assert wrong_way(source, module)


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("twohop.fakes.x", "from twohop.runtime import Clock\nfrom .world import World\nfrom . import vim"),
        ("twohop.contracts.targets.x", "from twohop.fakes import VCenter\nfrom twohop.exporter import export_vm"),
        ("twohop.contracts.plugin", "def vcenter():\n    from twohop.contracts.targets import FakeTarget"),
        ("twohop.cli.x", "import twohop.fakes, twohop.exporter\nimport importlib\nimportlib.import_module(name)"),
    ],
)
def test_a_right_import_is_not_held_against_anybody(module, source):
    assert wrong_way(source, module) == []


@pytest.mark.parametrize(
    "source",
    [
        *("import time", "from datetime import datetime", "def f():\n    import secrets", "open('x')"),
        *(f"import {name}" for name in ("os.path", "platform", "signal", "ctypes", "subprocess", "os")),
        *(f"import importlib\nimportlib.import_module(name={name!r})" for name in ("os", "ctypes.util")),
    ],
)
def test_an_impure_core_is_seen(source):
    assert impurities(source, "twohop.fakes.machines.x")
