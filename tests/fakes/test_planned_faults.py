"""Every fault that the WSDL knows can be planned, and is valid by the schema that the fake serves (2.15)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from soap_wire import Wire
from twohop.fakes.vim._planned_fault import planned_fault
from twohop.fakes.vim._registry import version_for, vim
from twohop.fakes.vim._reply import serialize_fault
from twohop.fakes.vim._wsdl import DOCUMENTS
from vcenters import make

XSD = "{http://www.w3.org/2001/XMLSchema}"


@pytest.fixture(scope="module")
def documents(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("wsdl")
    with make("vcenter-8.0") as vc, Wire(vc).login() as wire:
        for name in DOCUMENTS:
            (folder / name).write_bytes(wire.pool.request("GET", f"{vc.url}/sdk/{name}").data)
    yield folder


def declared(folder: Path) -> dict[str, str]:
    """The fault types that the WSDL declares, by the elements that carry them."""
    found = {}
    for name in DOCUMENTS:
        for element in etree.parse(folder / name, etree.XMLParser(huge_tree=True)).iter(f"{XSD}element"):
            if (element.get("name") or "").endswith("Fault") and element.getparent().tag == f"{XSD}schema":
                found[element.get("name")] = element.get("type").rpartition(":")[2]
    return found


def test_every_declared_fault(documents: Path) -> None:
    both = "".join(f'<include schemaLocation="{room}-messagetypes.xsd"/>' for room in ("query", "vim"))
    head = '<schema xmlns="http://www.w3.org/2001/XMLSchema" targetNamespace="urn:vim25"'
    (documents / "all.xsd").write_text(f'{head} elementFormDefault="qualified">{both}</schema>')
    schema = etree.XMLSchema(etree.parse(documents / "all.xsd"))
    target: Any = vim.VirtualMachine("vm-1", None)
    wrong: dict[str, list[str]] = {}
    faults = declared(documents)
    assert len(faults) > 80
    for element, kind in faults.items():
        text = serialize_fault(planned_fault({"type": kind}, target=target), version_for("", "8.0.3.0"))
        detail = etree.fromstring(text).find(".//detail")[0]
        assert detail.tag == f"{{urn:vim25}}{element}"
        if not schema.validate(etree.fromstring(etree.tostring(detail))):
            wrong[kind] = [str(error.message) for error in schema.error_log]
    assert wrong == {}
