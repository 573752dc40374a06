"""What an organisation owns in the cloud: virtual data centers, vApps, catalogs with templates, and the VMs in them.

The cell knows the names of the vCenter VMs behind a vApp or a template and nothing else about them; what they are doing
it asks vCenter. Ids follow from names, so that a URL somebody noted is still right after a restart.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

Kind = Literal["vApp", "vAppTemplate", "media"]
ROLES = ("Organization Administrator", "Catalog Author", "vApp Author", "vApp User", "Console Access Only")
"""The roles that a cloud comes with, each with less than the one before (2.11)."""
_FILE = re.compile(r"\[([^\[\]]+)\] ?([^/\s].*)")
_NAMESPACE = uuid.UUID("7c0a5b0e-2f56-5d2a-9b0b-1d5d5f7a2c11")

_KEYS: dict[str, frozenset[str]] = {
    "cell": frozenset({"orgs"}),
    "org": frozenset({"name", "full_name", "users", "vdcs", "catalogs"}),
    "user": frozenset({"name", "role"}),
    "vdc": frozenset({"name", "vapps"}),
    "vapp": frozenset({"name", "vms", "deployed", "deployment_lease_s", "storage_lease_s"}),
    "catalog": frozenset({"name", "templates", "media"}),
    "template": frozenset({"name", "vdc", "vms", "storage_lease_s"}),
    "media": frozenset({"name", "vdc", "datacenter", "file"}),
}


class CatalogueError(ValueError):
    """The `cell` part of a world says something that no cloud can be."""


@dataclass(frozen=True, slots=True)
class VmRef:
    """A VM of a vApp or template: its id in the cloud and its name, which is its name in vCenter too."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class Image:
    """The file of a medium: the inventory path of a datacenter, the name of a datastore there, the path on it."""

    datacenter: str
    datastore: str
    path: str


@dataclass(frozen=True, slots=True)
class Entity:
    """A vApp, a template or a medium, the things that can be downloaded (2.8). Lease spans in seconds, 0 for none.

    A medium has no machines and an `image`; the others have none. A vApp may be `deployed` with all its machines off,
    as when their guests have shut down.
    """

    kind: Kind
    id: str
    name: str
    org_id: str
    vdc_id: str
    vms: tuple[VmRef, ...]
    catalog_id: str | None = None
    item_id: str | None = None
    deployment_lease_s: int = 0
    storage_lease_s: int = 0
    image: Image | None = None
    deployed: bool = False


@dataclass(frozen=True, slots=True)
class Catalog:
    """A catalog of an organisation."""

    id: str
    name: str
    org_id: str


@dataclass(frozen=True, slots=True)
class Vdc:
    """A virtual data center of an organisation."""

    id: str
    name: str
    org_id: str


@dataclass(frozen=True, slots=True)
class Org:
    """An organisation; `users` are those that it has besides its administrator, each with a role."""

    id: str
    name: str
    full_name: str
    users: tuple[tuple[str, str], ...] = ()


class Catalogue:
    """Everything the cell offers, found by id."""

    def __init__(
        self, orgs: Iterable[Org], vdcs: Iterable[Vdc], catalogs: Iterable[Catalog], entities: Iterable[Entity]
    ) -> None:
        self.orgs = {org.id: org for org in orgs}
        self.vdcs = {vdc.id: vdc for vdc in vdcs}
        self.catalogs = {catalog.id: catalog for catalog in catalogs}
        self.entities = {entity.id: entity for entity in entities}

    def org_named(self, name: str) -> Org | None:
        """Return the organisation of that name."""
        return next((org for org in self.orgs.values() if org.name == name), None)

    def entity(self, kind: Kind, id: str, org_id: str) -> Entity | None:
        """Return a vApp or template of an organisation."""
        found = self.entities.get(id)
        return found if found is not None and found.kind == kind and found.org_id == org_id else None

    def entities_of(self, org_id: str, kind: Kind | None = None) -> Iterator[Entity]:
        """Give the vApps and templates of an organisation."""
        return (e for e in self.entities.values() if e.org_id == org_id and kind in (None, e.kind))

    def item(self, id: str, org_id: str) -> Entity | None:
        """Return the template or medium behind a catalog item."""
        return next((e for e in self.entities_of(org_id) if e.item_id == id), None)

    @classmethod
    def read(cls, spec: Mapping[str, Any] | None = None) -> Catalogue:
        """Build the catalogue from the `cell` part of a world; the default one where there is none."""
        row = _checked("cell", default_catalogue() if spec is None else spec, "cell")
        orgs, vdcs, catalogs, entities = [], [], [], []
        for number, org_row in enumerate(_list(row, "orgs", "cell")):
            where = f"cell.orgs[{number}]"
            org_row = _checked("org", org_row, where)
            name = _name(org_row, where)
            users = tuple(_user(user, f"{where}.users") for user in _list(org_row, "users", where))
            org = Org(_id("org", name), name, str(org_row.get("full_name", name)), users)
            orgs.append(org)
            own = {}
            for vdc_row in _list(org_row, "vdcs", where):
                vdc_row = _checked("vdc", vdc_row, f"{where}.vdcs")
                vdc = Vdc(_id("vdc", name, _name(vdc_row, f"{where}.vdcs")), str(vdc_row["name"]), org.id)
                own[vdc.name] = vdc
                vdcs.append(vdc)
                entities += [_vapp(vapp, org, vdc, f"{where}.vdcs.vapps") for vapp in _list(vdc_row, "vapps", where)]
            for catalog_row in _list(org_row, "catalogs", where):
                catalog_row = _checked("catalog", catalog_row, f"{where}.catalogs")
                label = _name(catalog_row, f"{where}.catalogs")
                catalog = Catalog(_id("catalog", name, label), label, org.id)
                catalogs.append(catalog)
                for template in _list(catalog_row, "templates", where):
                    entities.append(_template(template, org, own, catalog, f"{where}.catalogs.templates"))
                for medium in _list(catalog_row, "media", where):
                    entities.append(_medium(medium, org, own, catalog, f"{where}.catalogs.media"))
        if not orgs:
            raise CatalogueError("cell: 'orgs' is a list of at least one organisation")
        _unique(orgs, vdcs, catalogs, entities)
        return cls(orgs, vdcs, catalogs, entities)


def default_catalogue(vms: Iterable[str] = ("DC0_C0_RP0_VM0",)) -> dict[str, Any]:
    """Return the default: organisation Org0 with vDC Vdc0, vApp vApp0 and Catalog0/Template0, both of the given VMs."""
    names = list(vms)
    return {
        "orgs": [
            {
                "name": "Org0",
                "vdcs": [{"name": "Vdc0", "vapps": [{"name": "vApp0", "vms": names}]}],
                "catalogs": [{"name": "Catalog0", "templates": [{"name": "Template0", "vdc": "Vdc0", "vms": names}]}],
            }
        ]
    }


def _vapp(row: Any, org: Org, vdc: Vdc, where: str) -> Entity:
    row = _checked("vapp", row, where)
    name = _name(row, where)
    return Entity(
        "vApp", _id("vapp", org.name, vdc.name, name), name, org.id, vdc.id, _vms(row, where, org.name, vdc.name, name),
        deployment_lease_s=_seconds(row, "deployment_lease_s", where),
        storage_lease_s=_seconds(row, "storage_lease_s", where), deployed=_flag(row, "deployed", where),
    )  # fmt: skip


def _template(row: Any, org: Org, vdcs: Mapping[str, Vdc], catalog: Catalog, where: str) -> Entity:
    row = _checked("template", row, where)
    name = _name(row, where)
    path = (org.name, catalog.name, name)
    return Entity(
        "vAppTemplate", _id("template", *path), name, org.id, _home(row, name, org, vdcs, where),
        _vms(row, where, "t", *path),
        catalog.id, _id("item", *path), storage_lease_s=_seconds(row, "storage_lease_s", where),
    )  # fmt: skip


def _medium(row: Any, org: Org, vdcs: Mapping[str, Vdc], catalog: Catalog, where: str) -> Entity:
    row = _checked("media", row, where)
    name = _name(row, where)
    file, datacenter = row.get("file"), row.get("datacenter")
    match = _FILE.fullmatch(file) if isinstance(file, str) else None
    if match is None:
        raise CatalogueError(f"{where}: 'file' is a file of a datastore such as '[nfs1] iso/a.iso'; got {file!r}")
    if not isinstance(datacenter, str) or not datacenter:
        raise CatalogueError(f"{where}: 'datacenter' is the inventory path of that datastore's; got {datacenter!r}")
    path = (org.name, catalog.name, name)
    return Entity(
        "media", _id("media", *path), name, org.id, _home(row, name, org, vdcs, where), (), catalog.id,
        _id("item", *path), image=Image(datacenter, match[1], match[2]),
    )  # fmt: skip


def _home(row: Mapping[str, Any], name: str, org: Org, vdcs: Mapping[str, Vdc], where: str) -> str:
    home = str(row.get("vdc", next(iter(vdcs), "")))
    if home not in vdcs:
        known = ", ".join(vdcs) or "none"
        raise CatalogueError(f"{where}: {name!r} stands in vDC {home!r}; {org.name} has {known}")
    return vdcs[home].id


def _user(row: Any, where: str) -> tuple[str, str]:
    row = _checked("user", row, where)
    name, role = _name(row, where), row.get("role", ROLES[0])
    if role not in ROLES:
        raise CatalogueError(f"{where}: 'role' is one of {', '.join(ROLES)}; got {role!r}")
    return name, str(role)


def _vms(row: Mapping[str, Any], where: str, *path: str) -> tuple[VmRef, ...]:
    names = _list(row, "vms", where)
    if not all(isinstance(name, str) and name for name in names):
        raise CatalogueError(f"{where}: 'vms' is a list of names of VMs in vCenter; got {names!r}")
    return tuple(VmRef(_id("vm", *path, name), name) for name in names)


def _id(kind: str, *path: str) -> str:
    return str(uuid.uuid5(_NAMESPACE, "\0".join((kind, *path))))


def _checked(kind: str, row: Any, where: str) -> Mapping[str, Any]:
    if not isinstance(row, Mapping):
        raise CatalogueError(f"{where}: expected a mapping that describes a {kind}; got {row!r}")
    unknown = sorted(map(str, set(row) - _KEYS[kind]))
    if unknown:
        known = ", ".join(sorted(_KEYS[kind]))
        raise CatalogueError(f"{where}: a {kind} has no {', '.join(map(repr, unknown))}; it has {known}")
    return row


def _list(row: Mapping[str, Any], key: str, where: str) -> list[Any]:
    value = row.get(key) or []
    if not isinstance(value, list):
        raise CatalogueError(f"{where}: {key!r} is a list; got {value!r}")
    return value


def _name(row: Mapping[str, Any], where: str) -> str:
    name = row.get("name")
    if not isinstance(name, str) or not name.strip():
        raise CatalogueError(f"{where}: 'name' is text; got {name!r}")
    return name


def _seconds(row: Mapping[str, Any], key: str, where: str) -> int:
    value = row.get(key, 0)
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise CatalogueError(f"{where}: {key!r} is a number of seconds, 0 for no end; got {value!r}")
    return value


def _flag(row: Mapping[str, Any], key: str, where: str) -> bool:
    value = row.get(key, False)
    if not isinstance(value, bool):
        raise CatalogueError(f"{where}: {key!r} is true or false; got {value!r}")
    return value


def _unique(*groups: Iterable[Org | Vdc | Catalog | Entity]) -> None:
    for group in groups:
        seen: set[str] = set()
        for one in group:
            if one.id in seen:
                raise CatalogueError(f"cell: the name {one.name!r} is given twice in one place")
            seen.add(one.id)
