"""What a property collector has retrieved is written as pyVmomi writes the same ObjectContent."""

from __future__ import annotations

from dataclasses import dataclass, field
from io import StringIO
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from pyVmomi import VmomiSupport, vim, vmodl

from twohop.fakes.vim import _faults as faults
from twohop.fakes.vim._registry import wsdl_class
from twohop.fakes.vim._reply import _HEAD, _TAIL, Retrieved, _serializer, serialize_result

Collector = vmodl.query.PropertyCollector
NEWEST = "vim.version.version9"
TEXT = st.text(st.characters(blacklist_categories=["Cs", "Cc"]), max_size=8)
REFERENCES = st.builds(
    lambda kind, moid: wsdl_class(kind)(moid, None), st.sampled_from(["VirtualMachine", "Folder", "HttpNfcLease"]), TEXT
)
VALUES = st.one_of(
    TEXT,
    st.booleans(),
    st.integers(-(1 << 31), (1 << 31) - 1),
    st.integers(-(1 << 62), (1 << 62)).map(VmomiSupport.long),
    st.sampled_from([vim.VirtualMachine.PowerState.poweredOn, vim.HttpNfcLease.State.ready]),
    REFERENCES,
    st.lists(TEXT, min_size=1, max_size=2).map(VmomiSupport.GetVmodlType("string[]")),
    st.builds(vim.Description, label=TEXT, summary=TEXT),
)
FAULTS = st.sampled_from(
    [faults.invalid_argument("x"), faults.no_permission(vim.Folder("group-d1", None), "System.Read")]
)


@dataclass
class Object:
    reference: Any
    values: dict[str, Any] = field(default_factory=dict)
    missing: dict[str, Any] = field(default_factory=dict)

    def content(self) -> Any:
        return Collector.ObjectContent(
            obj=self.reference,
            propSet=[vmodl.DynamicProperty(name=path, val=value) for path, value in self.values.items()],
            missingSet=[Collector.MissingProperty(path=path, fault=fault) for path, fault in self.missing.items()],
        )


OBJECTS = st.builds(
    Object, REFERENCES, st.dictionaries(TEXT, VALUES, max_size=3), st.dictionaries(TEXT, FAULTS, max_size=2)
)


def by_pyvmomi(method: Any, value: Any) -> bytes:
    out = StringIO()
    info = VmomiSupport.Object(
        name="returnval", type=method.methodResult, version="vmodl.version.version0", flags=method.resultFlags
    )
    _serializer(out, NEWEST).Serialize(value, info)
    name = method.wsdlName
    return f'{_HEAD}<{name}Response xmlns="urn:vim25">{out.getvalue()}</{name}Response>{_TAIL}'.encode()


@given(st.lists(OBJECTS, min_size=1, max_size=3), st.none() | TEXT)
def test_a_page_is_written_as_a_retrieve_result(found: list[Object], token: str | None) -> None:
    method = VmomiSupport.GetWsdlMethod("urn:vim25", "RetrievePropertiesEx").info
    told = Collector.RetrieveResult(token=token, objects=[each.content() for each in found])
    assert serialize_result(method, Retrieved(found, token), NEWEST) == by_pyvmomi(method, told)


@given(st.lists(OBJECTS, max_size=3))
def test_all_at_once_is_written_as_an_array(found: list[Object]) -> None:
    method = VmomiSupport.GetWsdlMethod("urn:vim25", "RetrieveProperties").info
    told = VmomiSupport.GetVmodlType("vmodl.query.PropertyCollector.ObjectContent[]")(e.content() for e in found)
    assert serialize_result(method, Retrieved(found, wrapped=False), NEWEST) == by_pyvmomi(method, told)
