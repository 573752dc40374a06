"""The body of a medium, whose download is a link of its one file (3.16)."""

from __future__ import annotations

from urllib.parse import quote

from lxml import etree

from twohop.runtime.profiles import Profile

from ..engine import Entity, Linked, TaskView, medium_name
from ._bodies import Bodies
from ._entities import switches, task_body
from ._xml import TYPE, link, node


def media_body(
    bodies: Bodies,
    profile: Profile,
    entity: Entity,
    size: int,
    linked: Linked | None,
    tasks: list[TaskView],
    offered: bool,
) -> etree._Element:
    """Media, of `size` bytes; it has Files only while its download is enabled, which is how clients tell (8.1)."""
    href = bodies.entity_href(entity)
    user = node("User", href=f"{bodies.base}/api/admin/user/system", name="system", type_=_USER)
    return node(
        "Media",
        link("up", f"{bodies.base}/api/vdc/{entity.vdc_id}", f"{TYPE}vdc+xml"),
        link("catalogItem", f"{bodies.base}/api/catalogItem/{entity.item_id}", f"{TYPE}catalogItem+xml"),
        *(switches(href) if offered else []),
        node("Description"),
        node("Tasks", *(task_body(bodies, task, entity) for task in tasks)) if tasks else None,
        node("Files", _file(bodies, profile, entity, size, linked)) if linked is not None else None,
        node("Owner", user, type_=f"{TYPE}owner+xml"),
        size=str(size),
        imageType="iso",
        status="1",
        name=entity.name,
        id_=f"urn:vcloud:media:{entity.id}",
        href=href,
        type_=f"{TYPE}media+xml",
    )


_USER = "application/vnd.vmware.admin.user+xml"


def _file(bodies: Bodies, profile: Profile, entity: Entity, size: int, linked: Linked) -> etree._Element:
    name = medium_name(profile, entity)
    stored = linked.files.get(name, size)
    present = profile.text("file_bytes_transferred") == "present"
    return node(
        "File",
        link("download:default", f"{bodies.base}/transfer/{linked.id}/{quote(name)}"),
        name=name,
        size=str(stored),
        bytesTransferred="0" if present else None,
    )
