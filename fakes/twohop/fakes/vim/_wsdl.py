"""The WSDL of the service and the schemas that it imports, for clients that start from them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache
from io import StringIO

from ._registry import NAMESPACE, identity_of
from ._schema import REFERENCE, DataType, EnumType, Field, Schema, schema_of

SERVICE = f"{NAMESPACE}Service"
_XSD = "http://www.w3.org/2001/XMLSchema"
_HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'
_ROOMS = ("core", "query", "reflect", "vim")
_PRIMITIVES = (
    "anyType", "anyURI", "base64Binary", "boolean", "byte", "dateTime", "double", "float", "int", "long", "short",
    "string",
)  # fmt: skip
DOCUMENTS = (
    "vimService.wsdl", "vim.wsdl", *(f"{room}-types.xsd" for room in _ROOMS),
    *(f"{room}-messagetypes.xsd" for room in _ROOMS[1:]),
)  # fmt: skip
"""Names of the documents, below /sdk."""


@cache
def document(name: str, version: str) -> bytes:
    """Return a document by name for an API version, by pyVmomi's name for it; KeyError where there is none."""
    schema = schema_of(version)
    room, _, kind = name.partition("-")
    match kind:
        case "types.xsd" if room in _ROOMS:
            text = _types(schema, room)
        case "messagetypes.xsd" if room in _ROOMS[1:]:
            text = _messages(schema, room)
        case _ if name == "vim.wsdl":
            text = _bindings(schema, identity_of(version))
        case _ if name == "vimService.wsdl":
            text = _service()
        case _:
            raise KeyError(name)
    return text.encode()


def _service() -> str:
    return (
        f'{_HEAD}<definitions targetNamespace="{SERVICE}" xmlns="http://schemas.xmlsoap.org/wsdl/"'
        f' xmlns:soap="http://schemas.xmlsoap.org/wsdl/soap/" xmlns:interface="{NAMESPACE}">\n'
        f'<import location="vim.wsdl" namespace="{NAMESPACE}"/>\n'
        '<service name="VimService"><port binding="interface:VimBinding" name="VimPort">'
        '<soap:address location="https://localhost/sdk/vimService"/></port></service>\n</definitions>\n'
    )


def _schema_head(*includes: str) -> str:
    lines = [f'{_HEAD}<schema targetNamespace="{NAMESPACE}" xmlns="{_XSD}" xmlns:vim25="{NAMESPACE}"']
    lines.append(f' xmlns:xsd="{_XSD}" elementFormDefault="qualified">\n')
    lines += [f'<include schemaLocation="{name}"/>\n' for name in includes]
    return "".join(lines)


def _element(field: Field) -> str:
    least = ' minOccurs="0"' if field.optional else ""
    most = ' maxOccurs="unbounded"' if field.repeated else ""
    return f'<element name="{field.name}" type="{field.type}"{least}{most}/>'


def _sequence(fields: Iterable[Field]) -> str:
    return f"<sequence>{''.join(map(_element, fields))}</sequence>"


def _array(item: str, kind: str) -> str:
    name = f"ArrayOf{item[0].upper()}{item[1:]}"
    return f'<complexType name="{name}">{_sequence([Field(item, kind, True, True)])}</complexType>\n'


def _data_type(each: DataType) -> str:
    inner = _sequence(each.fields)
    if each.base is not None:
        inner = f'<complexContent><extension base="{each.base}">{inner}</extension></complexContent>'
    return f'<complexType name="{each.name}">{inner}</complexType>\n'


def _enum_type(each: EnumType) -> str:
    values = "".join(f'<enumeration value="{value}"/>' for value in each.values)
    return f'<simpleType name="{each.name}"><restriction base="xsd:string">{values}</restriction></simpleType>\n'


def _types(schema: Schema, room: str) -> str:
    out = StringIO()
    # Each says itself what it stands on: some clients read every one of them for itself.
    below = _ROOMS[:-1] if room == "vim" else _ROOMS[:1] if room != "core" else ()
    out.write(_schema_head(*(f"{name}-types.xsd" for name in below)))
    if room == "core":
        out.write(
            f'<complexType name="{REFERENCE}"><simpleContent><extension base="xsd:string">'
            '<attribute name="type" type="xsd:string"/><attribute name="serverGUID" type="xsd:string"/>'
            "</extension></simpleContent></complexType>\n"
        )
        out.writelines(_array(name, f"xsd:{name}") for name in _PRIMITIVES)
        out.write(_array(REFERENCE, f"vim25:{REFERENCE}"))
    kinds: list[DataType | EnumType] = [*schema.data, *schema.enums]
    for each in kinds:
        if each.room == room:
            out.write(_data_type(each) if isinstance(each, DataType) else _enum_type(each))
            out.write(_array(each.name, f"vim25:{each.name}"))
    out.write("</schema>\n")
    return out.getvalue()


def _messages(schema: Schema, room: str) -> str:
    out = StringIO()
    out.write(_schema_head(f"{room}-types.xsd"))
    this = Field("_this", f"vim25:{REFERENCE}")
    for operation in schema.operations:
        if operation.room != room:
            continue
        request = f"{operation.name}RequestType"
        out.write(f'<complexType name="{request}">{_sequence([this, *operation.takes])}</complexType>\n')
        out.write(f'<element name="{operation.name}" type="vim25:{request}"/>\n')
        returned = _sequence([operation.returns] if operation.returns is not None else ())
        out.write(f'<element name="{operation.name}Response"><complexType>{returned}</complexType></element>\n')
    if room == "vim":
        out.writelines(f'<element name="{name}Fault" type="vim25:{name}"/>\n' for name in _declared(schema))
    out.write("</schema>\n")
    return out.getvalue()


def _declared(schema: Schema) -> list[str]:
    return sorted({"RuntimeFault", *(fault for operation in schema.operations for fault in operation.faults)})


def _faults(names: tuple[str, ...]) -> Iterator[str]:
    return iter(dict.fromkeys(("RuntimeFault", *names)))


def _bindings(schema: Schema, identity: str) -> str:
    out = StringIO()
    out.write(
        f'{_HEAD}<definitions targetNamespace="{NAMESPACE}" xmlns="http://schemas.xmlsoap.org/wsdl/"'
        f' xmlns:soap="http://schemas.xmlsoap.org/wsdl/soap/" xmlns:vim25="{NAMESPACE}" xmlns:xsd="{_XSD}">\n'
        f'<types><schema xmlns="{_XSD}" targetNamespace="{NAMESPACE}" elementFormDefault="qualified">'
    )
    out.writelines(f'<include schemaLocation="{room}-messagetypes.xsd"/>' for room in _ROOMS[1:])
    out.write("</schema></types>\n")
    for fault in _declared(schema):
        element = f'<part name="{fault}Fault" element="vim25:{fault}Fault"/>'
        out.write(f'<message name="{fault}FaultMsg">{element}</message>\n')
    for operation in schema.operations:
        for suffix, element in (("Request", operation.name), ("Response", f"{operation.name}Response")):
            part = f'<part name="parameters" element="vim25:{element}"/>'
            out.write(f'<message name="{operation.name}{suffix}Msg">{part}</message>\n')
    out.write('<portType name="VimPortType">\n')
    for operation in schema.operations:
        out.write(f'<operation name="{operation.name}"><input message="vim25:{operation.name}RequestMsg"/>')
        out.write(f'<output message="vim25:{operation.name}ResponseMsg"/>')
        out.writelines(
            f'<fault name="{fault}" message="vim25:{fault}FaultMsg"/>' for fault in _faults(operation.faults)
        )
        out.write("</operation>\n")
    out.write(
        '</portType>\n<binding name="VimBinding" type="vim25:VimPortType">'
        '<soap:binding style="document" transport="http://schemas.xmlsoap.org/soap/http"/>\n'
    )
    for operation in schema.operations:
        out.write(f'<operation name="{operation.name}"><soap:operation soapAction="{NAMESPACE}/{identity}"')
        out.write(' style="document"/><input><soap:body use="literal"/></input>')
        out.write('<output><soap:body use="literal"/></output>')
        out.writelines(
            f'<fault name="{fault}"><soap:fault name="{fault}" use="literal"/></fault>'
            for fault in _faults(operation.faults)
        )
        out.write("</operation>\n")
    out.write("</binding>\n</definitions>\n")
    return out.getvalue()
