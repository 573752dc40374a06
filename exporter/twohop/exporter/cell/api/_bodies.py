"""Bodies of session, organisations, data centers, catalogs and their items.

A link is written only where following it leads somewhere here.
"""

from __future__ import annotations

import json

from lxml import etree

from twohop.runtime.profiles import Profile

from ..engine import Catalog, Catalogue, Entity, Org, Vdc, moment
from ._logins import Login
from ._negotiation import number
from ._xml import TYPE, VERSIONS, flag, link, node

RECORDS = f"{TYPE}query.records+xml"


class Bodies:
    """Writes bodies whose hrefs start at `base`, the API's public URL (6.3)."""

    def __init__(self, base: str, profile: Profile, catalogue: Catalogue, since: float) -> None:
        self.base, self._profile, self._catalogue, self._since = base, profile, catalogue, since

    def versions(self) -> etree._Element:
        """SupportedVersions (1.1, 1.1b)."""
        infos = []
        for version in map(str, self._profile.list("offered")):
            cloudapi = number(version) >= (36, 0)
            login = f"{self.base}/cloudapi/1.0.0/sessions" if cloudapi else f"{self.base}/api/sessions"
            provider = node("ProviderLoginUrl", f"{login}/provider", namespace=VERSIONS) if cloudapi else None
            infos.append(
                node(
                    "VersionInfo",
                    node("Version", version, namespace=VERSIONS),
                    node("LoginUrl", login, namespace=VERSIONS),
                    provider,
                    namespace=VERSIONS,
                    deprecated=flag(version in self._profile.list("deprecated")),
                )
            )
        return node("SupportedVersions", *infos, namespace=VERSIONS)

    def session(self, login: Login, version: str) -> etree._Element:
        """Session (1.2)."""
        base, org = self.base, login.org
        newer = number(version) >= (30, 0)
        return node(
            "Session",
            link("down", f"{base}/api/org/", f"{TYPE}orgList+xml"),
            link("remove", f"{base}/api/session"),
            link("down", f"{base}/api/org/{org.id}", f"{TYPE}org+xml", org.name),
            link("down", f"{base}/api/query", f"{TYPE}query.queryList+xml"),
            org=org.name,
            roles=login.role if newer else None,
            user=login.user,
            userId=f"urn:vcloud:user:{login.user}" if newer else None,
            href=f"{base}/api/session",
            type_=f"{TYPE}session+xml",
        )

    def cloudapi_session(self, login: Login) -> bytes:
        """The session as the newer API writes it (1.7)."""
        body = {
            "id": f"urn:vcloud:session:{login.id}",
            "user": {"name": login.user, "id": f"urn:vcloud:user:{login.user}"},
            "org": {"name": login.org.name, "id": f"urn:vcloud:org:{login.org.id}"},
            "location": self.base,
            "roles": [login.role],
        }
        return json.dumps(body).encode()

    def org_list(self, org: Org) -> etree._Element:
        """OrgList: the organisation of who asks."""
        one = node("Org", href=f"{self.base}/api/org/{org.id}", name=org.name, type_=f"{TYPE}org+xml")
        return node("OrgList", one, href=f"{self.base}/api/org/", type_=f"{TYPE}orgList+xml")

    def org(self, org: Org, version: str) -> etree._Element:
        """Org; from 33.0 on it names queries instead of each data center and catalog."""
        links = [self._query("orgVdc"), self._query("catalog")] if number(version) >= (33, 0) else self._down(org)
        return node(
            "Org", *links, node("Description"), node("FullName", org.full_name),
            name=org.name, id_=f"urn:vcloud:org:{org.id}", href=f"{self.base}/api/org/{org.id}", type_=f"{TYPE}org+xml",
        )  # fmt: skip

    def vdc(self, vdc: Vdc) -> etree._Element:
        """Vdc, with the vApps and templates that stand in it."""
        entities = [
            node("ResourceEntity", href=self.entity_href(e), name=e.name, type_=f"{TYPE}{e.kind}+xml")
            for e in self._catalogue.entities.values()
            if e.vdc_id == vdc.id
        ]
        return node(
            "Vdc",
            link("up", f"{self.base}/api/org/{vdc.org_id}", f"{TYPE}org+xml"),
            node("Description"),
            node("AllocationModel", "AllocationVApp"),
            node("ResourceEntities", *entities),
            node("IsEnabled", "true"),
            status="1",
            name=vdc.name,
            id_=f"urn:vcloud:vdc:{vdc.id}",
            href=f"{self.base}/api/vdc/{vdc.id}",
            type_=f"{TYPE}vdc+xml",
        )

    def catalog(self, catalog: Catalog) -> etree._Element:
        """Catalog, with its items."""
        items = [
            node(
                "CatalogItem", href=f"{self.base}/api/catalogItem/{e.item_id}", id_=e.item_id, name=e.name,
                type_=f"{TYPE}catalogItem+xml",
            )
            for e in self._catalogue.entities.values()
            if e.catalog_id == catalog.id
        ]  # fmt: skip
        return node(
            "Catalog",
            link("up", f"{self.base}/api/org/{catalog.org_id}", f"{TYPE}org+xml"),
            node("Description"),
            node("CatalogItems", *items),
            node("IsPublished", flag(False)),
            node("DateCreated", moment(self._since)),
            name=catalog.name,
            id_=f"urn:vcloud:catalog:{catalog.id}",
            href=f"{self.base}/api/catalog/{catalog.id}",
            type_=f"{TYPE}catalog+xml",
        )

    def item(self, entity: Entity) -> etree._Element:
        """CatalogItem, which points at its template or medium."""
        return node(
            "CatalogItem",
            link("up", f"{self.base}/api/catalog/{entity.catalog_id}", f"{TYPE}catalog+xml"),
            node("Description"),
            node("Entity", href=self.entity_href(entity), name=entity.name, type_=f"{TYPE}{entity.kind}+xml"),
            node("DateCreated", moment(self._since)),
            size="0",
            name=entity.name,
            id_=f"urn:vcloud:catalogitem:{entity.item_id}",
            href=f"{self.base}/api/catalogItem/{entity.item_id}",
            type_=f"{TYPE}catalogItem+xml",
        )

    def entity_href(self, entity: Entity) -> str:
        """Return where a vApp, template or medium is."""
        paths = {"vApp": "vApp/vapp-", "vAppTemplate": "vAppTemplate/vappTemplate-", "media": "media/"}
        return f"{self.base}/api/{paths[entity.kind]}{entity.id}"

    def _query(self, type_: str) -> etree._Element:
        return link("down", f"{self.base}/api/query?type={type_}&format=records", RECORDS)

    def _down(self, org: Org) -> list[etree._Element]:
        vdcs = [
            link("down", f"{self.base}/api/vdc/{vdc.id}", f"{TYPE}vdc+xml", vdc.name)
            for vdc in self._catalogue.vdcs.values()
            if vdc.org_id == org.id
        ]
        catalogs = [
            link("down", f"{self.base}/api/catalog/{catalog.id}", f"{TYPE}catalog+xml", catalog.name)
            for catalog in self._catalogue.catalogs.values()
            if catalog.org_id == org.id
        ]
        return vdcs + catalogs
