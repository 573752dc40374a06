"""The query service: enough of it to find vApps, catalogs, items, templates, data centers and VMs by name."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from urllib.parse import quote, unquote

from lxml import etree

from ..engine import QUERY_NAMES, Catalogue, Engine, Entity, Org, moment, number_of
from ._bodies import Bodies
from ._errors import NotSupported, bad_request
from ._xml import TYPE, flag, link, node

Record = dict[str, str | None]
FORMATS = ("records", "idrecords", "references")
PAGE, MOST = 25, 128
_TERM = re.compile(r"([A-Za-z0-9_]+)(==|!=)(.*)", re.DOTALL)
_SPLIT = re.compile(r"(?<!\\);")


class Query:
    """Answers queries of one organisation's user."""

    def __init__(self, bodies: Bodies, engine: Engine, org: Org) -> None:
        self._bodies, self._engine, self._org = bodies, engine, org
        self._catalogue: Catalogue = engine.catalogue
        self._types: Mapping[str, tuple[str, Callable[[], Iterable[Record]]]] = {
            "catalog": ("CatalogRecord", self._catalogs),
            "catalogItem": ("CatalogItemRecord", self._items),
            "media": ("MediaRecord", self._media),
            "organization": ("OrgRecord", self._orgs),
            "orgVdc": ("OrgVdcRecord", self._vdcs),
            "vApp": ("VAppRecord", self._vapps),
            "vAppTemplate": ("VAppTemplateRecord", self._templates),
            "vm": ("VMRecord", self._vms),
        }

    def list(self) -> etree._Element:
        """QueryList: one Link per type and format, whose name is the type."""
        base = f"{self._bodies.base}/api/query"
        links = [
            link("down", f"{base}?type={type_}&format={form}", f"{TYPE}query.{form}+xml", type_)
            for type_ in self._types
            for form in FORMATS
        ]
        return node("QueryList", *links, href=base, type_=f"{TYPE}query.queryList+xml")

    def run(self, arguments: Mapping[str, str], version: tuple[int, ...]) -> etree._Element:
        """QueryResultRecords for the arguments of one request; ApiError where it asks for what is not here."""
        type_, form = arguments.get("type", ""), arguments.get("format", "records")
        if type_ not in self._types:
            raise NotSupported(f"queries of type {type_!r}")
        if form not in FORMATS:
            raise bad_request(f"The query format {form!r} is not one of {', '.join(FORMATS)}.")
        unknown = set(arguments) - {"type", "format", "page", "pageSize", "filter", "filterEncoded", "links"}
        if unknown:
            raise NotSupported(f"the query parameter {sorted(unknown)[0]!r}")
        page, size = _count(arguments, "page", 1), min(_count(arguments, "pageSize", PAGE), MOST)
        encoded = arguments.get("filterEncoded") == "true" and version < (35, 0)
        element, rows = self._types[type_]
        wanted = _filter(arguments.get("filter", ""), encoded)
        found = [row for row in rows() if all(test(row) for test in wanted)]
        shown = found[(page - 1) * size : page * size]
        href = _href(self._bodies.base, arguments, page)
        following = _href(self._bodies.base, arguments, page + 1)
        more = link("nextPage", following, f"{TYPE}query.{form}+xml") if page * size < len(found) else None
        records = [_record(element, _shaped(row, form)) for row in shown]
        return node(
            "QueryResultRecords" if form != "references" else f"{element.removesuffix('Record')}References",
            more, *records, total=str(len(found)), pageSize=str(size), page=str(page), name=type_,
            href=href, type_=f"{TYPE}query.{form}+xml",
        )  # fmt: skip

    def _orgs(self) -> Iterable[Record]:
        href = f"{self._bodies.base}/api/org/{self._org.id}"
        yield {
            "name": self._org.name,
            "displayName": self._org.full_name,
            "isEnabled": "true",
            "href": href,
            "id": f"urn:vcloud:org:{self._org.id}",
        }

    def _vdcs(self) -> Iterable[Record]:
        for vdc in self._catalogue.vdcs.values():
            if vdc.org_id == self._org.id:
                href = f"{self._bodies.base}/api/vdc/{vdc.id}"
                yield {
                    "name": vdc.name,
                    "orgName": self._org.name,
                    "isEnabled": "true",
                    "status": "READY",
                    "href": href,
                    "id": f"urn:vcloud:vdc:{vdc.id}",
                }

    def _catalogs(self) -> Iterable[Record]:
        for catalog in self._catalogue.catalogs.values():
            if catalog.org_id == self._org.id:
                items = [e.kind for e in self._catalogue.entities.values() if e.catalog_id == catalog.id]
                yield {
                    "name": catalog.name, "orgName": self._org.name, "isPublished": "false", "isShared": "false",
                    "numberOfVAppTemplates": str(items.count("vAppTemplate")),
                    "numberOfMedia": str(items.count("media")), "status": "READY",
                    "creationDate": moment(self._engine.since), "href": f"{self._bodies.base}/api/catalog/{catalog.id}",
                    "id": f"urn:vcloud:catalog:{catalog.id}",
                }  # fmt: skip

    def _items(self) -> Iterable[Record]:
        for entity in (*self._entities("vAppTemplate"), *self._entities("media")):
            catalog = self._catalogue.catalogs[str(entity.catalog_id)]
            yield {
                "name": entity.name, "catalogName": catalog.name, "status": "RESOLVED", "entityName": entity.name,
                "entityType": entity.kind.lower(), "entity": self._bodies.entity_href(entity),
                "catalog": f"{self._bodies.base}/api/catalog/{catalog.id}",
                "href": f"{self._bodies.base}/api/catalogItem/{entity.item_id}",
                "id": f"urn:vcloud:catalogitem:{entity.item_id}",
            }  # fmt: skip

    def _vapps(self) -> Iterable[Record]:
        for entity in self._entities("vApp"):
            status = self._engine.condition(entity).status
            yield {
                **self._common(entity), "status": QUERY_NAMES[status.number], "isDeployed": flag(status.deployed),
                "isEnabled": "true", "isExpired": flag(status.lease_expired), "numberOfVMs": str(len(entity.vms)),
                "isInMaintenanceMode": "false", "id": f"urn:vcloud:vapp:{entity.id}",
            }  # fmt: skip

    def _templates(self) -> Iterable[Record]:
        for entity in self._entities("vAppTemplate"):
            catalog = self._catalogue.catalogs[str(entity.catalog_id)]
            yield {
                **self._common(entity), "catalogName": catalog.name, "status": "RESOLVED", "isDeployed": "false",
                "isEnabled": "true", "id": f"urn:vcloud:vapptemplate:{entity.id}",
            }  # fmt: skip

    def _media(self) -> Iterable[Record]:
        for entity in self._entities("media"):
            catalog = self._catalogue.catalogs[str(entity.catalog_id)]
            yield {
                **self._common(entity), "catalogName": catalog.name, "status": "RESOLVED", "isBusy": "false",
                "storageB": str(self._engine.size_of(entity)),
                "catalog": f"{self._bodies.base}/api/catalog/{catalog.id}",
                "catalogItem": f"{self._bodies.base}/api/catalogItem/{entity.item_id}",
                "id": f"urn:vcloud:media:{entity.id}",
            }  # fmt: skip

    def _vms(self) -> Iterable[Record]:
        for entity in self._catalogue.entities_of(self._org.id):
            template = entity.kind == "vAppTemplate"
            powers = self._engine.condition(entity).powers
            for vm, power in zip(entity.vms, powers, strict=True):
                yield {
                    "name": vm.name, "containerName": entity.name, "container": self._bodies.entity_href(entity),
                    "isVAppTemplate": flag(template), "status": QUERY_NAMES[number_of(power)],
                    "isDeployed": flag(power in ("poweredOn", "suspended")),
                    "vdc": f"{self._bodies.base}/api/vdc/{entity.vdc_id}",
                    "href": f"{self._bodies.base}/api/{entity.kind}/vm-{vm.id}", "id": f"urn:vcloud:vm:{vm.id}",
                }  # fmt: skip

    def _entities(self, kind: str) -> Iterable[Entity]:
        return (e for e in self._catalogue.entities_of(self._org.id) if e.kind == kind)

    def _common(self, entity: Entity) -> Record:
        return {
            "name": entity.name, "vdc": f"{self._bodies.base}/api/vdc/{entity.vdc_id}",
            "vdcName": self._catalogue.vdcs[entity.vdc_id].name, "ownerName": "system",
            "creationDate": moment(self._engine.since), "href": self._bodies.entity_href(entity),
        }  # fmt: skip


def _shaped(row: Record, form: str) -> Record:
    if form == "references":
        return {"name": row["name"], "id": row["id"], "href": row["href"]}
    return {key: value for key, value in row.items() if key != ("href" if form == "idrecords" else "id")}


def _record(element: str, row: Record) -> etree._Element:
    record = node(element)
    for key, value in row.items():
        if value is not None:
            record.set(key, value)
    return record


def _filter(text: str, encoded: bool) -> list[Callable[[Record], bool]]:
    """Read `attribute==value` terms joined by `;`, which is all of the language that is here."""
    tests: list[Callable[[Record], bool]] = []
    for term in _SPLIT.split(text.strip().removeprefix("(").removesuffix(")")) if text.strip() else []:
        match = _TERM.fullmatch(term.strip())
        if match is None or re.search(r"(?<!\\)[,()]", match[3]):
            raise NotSupported(f"the query filter {term!r}")
        attribute, operator, value = match.groups()
        value = unquote(value) if encoded else re.sub(r"\\([();,])", r"\1", value)
        if "*" in value:
            raise NotSupported("wildcards in query filters")
        tests.append(_test(attribute, operator == "==", value))
    return tests


def _test(attribute: str, equal: bool, value: str) -> Callable[[Record], bool]:
    def test(row: Record) -> bool:
        if attribute not in row:
            raise bad_request(f"The filter names {attribute!r}, which these records do not have.")
        return (row[attribute] == value) is equal

    return test


def _count(arguments: Mapping[str, str], key: str, default: int) -> int:
    text = arguments.get(key, str(default))
    if not (text.isascii() and text.isdigit() and 0 < int(text) < 1 << 31):
        raise bad_request(f"The query parameter {key} is a number from 1, not {text!r}.")
    return int(text)


def _href(base: str, arguments: Mapping[str, str], page: int) -> str:
    pairs = {**arguments, "page": str(page)}
    return f"{base}/api/query?" + "&".join(f"{key}={quote(value, safe='=:/')}" for key, value in pairs.items())
