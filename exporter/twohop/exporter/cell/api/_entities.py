"""Bodies of vApps, templates and tasks: where the download's links appear and when (2.1-2.6, 3.3-3.4)."""

from __future__ import annotations

from lxml import etree

from ..engine import (
    DEFAULT,
    IDENTITY,
    KEPT_S,
    OVA_DEFAULT,
    OVA_IDENTITY,
    Condition,
    Entity,
    Linked,
    TaskView,
    VmRef,
    moment,
    number_of,
)
from ..engine._source import Power
from ._bodies import Bodies
from ._xml import OVF, TYPE, flag, link, node, ovf_info


def entity_body(
    bodies: Bodies,
    entity: Entity,
    condition: Condition,
    linked: Linked | None,
    tasks: list[TaskView],
    since: float,
    ova_type: str | None,
    identity: bool,
    offered: bool,
) -> etree._Element:
    """VApp or VAppTemplate; `ova_type` is the type of the two OVA links, None where there are none (3.5, 3.5c).

    `identity` tells whether the version asked for has the second descriptor (3.4).

    The enable and disable links carry no type and stand there together, whether enabled or not (2.1, 2.6), where they
    are `offered` to who asks; those of the download appear only once the task has succeeded (3.3).
    """
    href, status = bodies.entity_href(entity), condition.status
    template = entity.kind == "vAppTemplate"
    up = link("up", f"{bodies.base}/api/vdc/{entity.vdc_id}", f"{TYPE}vdc+xml")
    item = f"{bodies.base}/api/catalogItem/{entity.item_id}"
    children = [
        _template_vm(bodies, entity, vm) if template else _vm(bodies, entity, vm, power)
        for vm, power in zip(entity.vms, condition.powers, strict=True)
    ]
    own = [_lease(entity, href, since), node("DateCreated", moment(since))]
    owner = node("Owner", _user(bodies, "system"), type_=f"{TYPE}owner+xml")
    inside = node("Children", *children) if children else None
    return node(
        f"{entity.kind[0].upper()}{entity.kind[1:]}",
        up,
        link("catalogItem", item, f"{TYPE}catalogItem+xml") if template else None,
        *(switches(href) if status.downloadable and offered else []),
        *(_downloads(bodies.base, linked, ova_type, identity) if linked is not None else []),
        node("Description"),
        node("Tasks", *(task_body(bodies, task, entity) for task in tasks)) if tasks else None,
        *([owner, inside, *own] if template else [*own, owner, node("InMaintenanceMode", flag(False)), inside]),
        goldMaster=flag(False) if template else None,
        ovfDescriptorUploaded=flag(True),
        deployed=flag(status.deployed) if not template else None,
        status=str(status.number),
        name=entity.name,
        id_=f"urn:vcloud:{entity.kind.lower()}:{entity.id}",
        href=href,
        type_=f"{TYPE}{entity.kind}+xml",
    )


def task_body(bodies: Bodies, task: TaskView, entity: Entity | None) -> etree._Element:
    """Task (2.13); its error's message starts with the request it belongs to (2.16)."""
    value, href = task.value, f"{bodies.base}/api/task/{task.id}"
    cancel = link("task:cancel", f"{href}/action/cancel") if not value.state.ended else None
    error = None
    if task.error is not None:
        message = f"[ {task.error_request} ] {task.error}"
        error = node("Error", minorErrorCode="INTERNAL_SERVER_ERROR", message=message, majorErrorCode="500")
    owner = None
    if entity is not None:
        owner = node("Owner", href=bodies.entity_href(entity), name=entity.name, type_=f"{TYPE}{entity.kind}+xml")
    begun = value.started_at if value.started_at is not None else value.queued_at
    return node(
        "Task",
        cancel,
        owner,
        error,
        _user(bodies, task.user),
        node("Organization", href=f"{bodies.base}/api/org/{task.org_id}", type_=f"{TYPE}org+xml"),
        node("Progress", str(task.progress)),
        node("Details", task.details),
        cancelRequested=flag(value.cancel_requested),
        endTime=moment(value.ended_at) if value.ended_at is not None else None,
        expiryTime=moment(begun + KEPT_S),
        operation=task.operation,
        operationName=task.operation_name,
        serviceNamespace="com.vmware.vcloud",
        startTime=moment(begun),
        status=value.state.value,
        name="task",
        id_=f"urn:vcloud:task:{task.id}",
        href=href,
        type_=f"{TYPE}task+xml",
    )


def switches(href: str) -> list[etree._Element]:
    """Return the links that enable and disable the download of what is at `href`."""
    return [link("enable", f"{href}/action/enableDownload"), link("disable", f"{href}/action/disableDownload")]


def _downloads(base: str, linked: Linked, ova_type: str | None, identity: bool) -> list[etree._Element]:
    shown = [("download:default", DEFAULT, "text/xml")]
    if identity:
        shown.append(("download:identity", IDENTITY, "text/xml"))
    if ova_type is not None:
        shown += [("download:ovaDefault", OVA_DEFAULT, ova_type), ("download:ovaIdentity", OVA_IDENTITY, ova_type)]
    return [link(rel, f"{base}/transfer/{linked.id}/{name}", type_) for rel, name, type_ in shown]


def _lease(entity: Entity, href: str, since: float) -> etree._Element:
    section = node(
        "LeaseSettingsSection", href=f"{href}/leaseSettingsSection/", type_=f"{TYPE}leaseSettingsSection+xml"
    )
    section.set(f"{{{OVF}}}required", "false")
    section.append(ovf_info("Lease settings section"))
    if entity.kind == "vApp":
        section.append(node("DeploymentLeaseInSeconds", str(entity.deployment_lease_s)))
    section.append(node("StorageLeaseInSeconds", str(entity.storage_lease_s)))
    if entity.storage_lease_s:
        section.append(node("StorageLeaseExpiration", moment(since + entity.storage_lease_s)))
    return section


def _vm(bodies: Bodies, entity: Entity, vm: VmRef, power: Power) -> etree._Element:
    return node(
        "Vm",
        link("up", bodies.entity_href(entity), f"{TYPE}vApp+xml"),
        node("Description"),
        deployed=flag(power in ("poweredOn", "suspended")),
        status=str(number_of(power)),
        name=vm.name,
        id_=f"urn:vcloud:vm:{vm.id}",
        href=f"{bodies.base}/api/vApp/vm-{vm.id}",
        type_=f"{TYPE}vm+xml",
    )


def _template_vm(bodies: Bodies, entity: Entity, vm: VmRef) -> etree._Element:
    return node(
        "Vm",
        link("up", bodies.entity_href(entity), f"{TYPE}vAppTemplate+xml"),
        node("Description"),
        goldMaster=flag(False),
        status="8",
        name=vm.name,
        id_=f"urn:vcloud:vm:{vm.id}",
        href=f"{bodies.base}/api/vAppTemplate/vm-{vm.id}",
        type_=f"{TYPE}vm+xml",
    )


def _user(bodies: Bodies, name: str) -> etree._Element:
    return node(
        "User", href=f"{bodies.base}/api/admin/user/{name}", name=name, type_="application/vnd.vmware.admin.user+xml"
    )
