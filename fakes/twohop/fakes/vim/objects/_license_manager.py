"""LicenseManager: the one licence of the server, which a free one of a host is told by (2.19)."""

from __future__ import annotations

from typing import Any

from .._kinds import Kind
from .._registry import VmomiSupport, vim
from .._service import Call, Service, Singleton
from ._about import vcenter_about
from ._service_instance import MORE
from ._values import data

LICENSE_MANAGER = Kind("LicenseManager")

LICENSES = {
    "full": ("00000-00000-00000-00000-00000", "eval", "Evaluation Mode"),
    "free": ("00000-00000-00000-00000-00001", "esx.hypervisor.cpuPackageCoreLimited", "vSphere Hypervisor"),
}
"""Key, edition and name by the profile's licence; nobody's real key."""


@LICENSE_MANAGER.provides("licenses")
def _licenses(call: Call, _: Singleton) -> list[Any]:
    key, edition, name = LICENSES[call.world.profile.text("license")]
    return [vim.LicenseManager.LicenseInfo(licenseKey=key, editionKey=edition, name=name, total=0)]


@LICENSE_MANAGER.provides("licensedEdition")
def _licensed_edition(call: Call, _: Singleton) -> str:
    # Deprecated, and empty on a real host.
    return ""


@LICENSE_MANAGER.provides("source")
def _source(call: Call, _: Singleton) -> Any:
    return vim.LicenseManager.EvaluationLicense(remainingHours=1440)


@LICENSE_MANAGER.provides("sourceAvailable")
def _source_available(call: Call, _: Singleton) -> bool:
    return True


@LICENSE_MANAGER.provides("evaluation")
def _evaluation(call: Call, _: Singleton) -> Any:
    left = {"expirationHours": 1440, "expirationMinutes": 0}
    properties = [{"key": key, "value": VmomiSupport.long(value)} for key, value in left.items()]
    return data(vim.LicenseManager.EvaluationInfo, properties=properties)


ASSIGNMENTS = "LicenseAssignmentManager"


@MORE.append
def _declare_assignments(service: Service) -> None:
    if not service.world.product.standalone:
        service.manager(ASSIGNMENTS, "LicenseAssignmentManager")


@LICENSE_MANAGER.provides("licenseAssignmentManager")
def _assignment_manager(call: Call, _: Singleton) -> Any:
    return call.ref(call.service.singletons.get(ASSIGNMENTS))


ASSIGNMENT_MANAGER = Kind("LicenseAssignmentManager")


@ASSIGNMENT_MANAGER.method("QueryAssignedLicenses")
def _assigned(call: Call, _: Singleton, entityId: str | None = None) -> list[Any]:
    (license_info,) = _licenses(call, _)
    entities = {vcenter_about(call).instanceUuid: "vCenter", **{host.moid: host.name for host in call.world.hosts()}}
    return [
        data(
            vim.LicenseAssignmentManager.LicenseAssignment, entityId=entity, scope=None, entityDisplayName=name,
            assignedLicense=license_info, properties=[],
        )
        for entity, name in entities.items()
        if entityId in (None, entity)
    ]  # fmt: skip
