"""ServiceInstance: what the service is and where its managers are (10.12)."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Any

from .._kinds import Kind
from .._registry import known_type, newest_known, vim
from .._service import Call, Service, Singleton

SERVICE_INSTANCE = Kind("ServiceInstance")

MANAGERS: tuple[tuple[str, str, str], ...] = (
    ("propertyCollector", "PropertyCollector", "propertyCollector"),
    ("viewManager", "ViewManager", "ViewManager"),
    ("setting", "OptionManager", "VpxSettings"),
    ("userDirectory", "UserDirectory", "UserDirectory"),
    ("sessionManager", "SessionManager", "SessionManager"),
    ("authorizationManager", "AuthorizationManager", "AuthorizationManager"),
    ("serviceManager", "ServiceManager", "ServiceMgr"),
    ("perfManager", "PerformanceManager", "PerfMgr"),
    ("scheduledTaskManager", "ScheduledTaskManager", "ScheduledTaskManager"),
    ("alarmManager", "AlarmManager", "AlarmManager"),
    ("eventManager", "EventManager", "EventManager"),
    ("taskManager", "TaskManager", "TaskManager"),
    ("extensionManager", "ExtensionManager", "ExtensionManager"),
    ("customizationSpecManager", "CustomizationSpecManager", "CustomizationSpecManager"),
    ("guestCustomizationManager", "VirtualMachineGuestCustomizationManager", "GuestCustomizationManager"),
    ("customFieldsManager", "CustomFieldsManager", "CustomFieldsManager"),
    ("diagnosticManager", "DiagnosticManager", "DiagMgr"),
    ("licenseManager", "LicenseManager", "LicenseManager"),
    ("searchIndex", "SearchIndex", "SearchIndex"),
    ("fileManager", "FileManager", "FileManager"),
    ("datastoreNamespaceManager", "DatastoreNamespaceManager", "DatastoreNamespaceManager"),
    ("virtualDiskManager", "VirtualDiskManager", "virtualDiskManager"),
    ("snmpSystem", "HostSnmpSystem", "SnmpSystem"),
    ("vmProvisioningChecker", "VirtualMachineProvisioningChecker", "ProvChecker"),
    ("vmCompatibilityChecker", "VirtualMachineCompatibilityChecker", "CompatChecker"),
    ("ovfManager", "OvfManager", "OvfManager"),
    ("ipPoolManager", "IpPoolManager", "IpPoolManager"),
    ("dvSwitchManager", "DistributedVirtualSwitchManager", "DVSManager"),
    ("hostProfileManager", "HostProfileManager", "HostProfileManager"),
    ("clusterProfileManager", "ClusterProfileManager", "ClusterProfileManager"),
    ("complianceManager", "ProfileComplianceManager", "MoComplianceManager"),
    ("localizationManager", "LocalizationManager", "LocalizationManager"),
    ("storageResourceManager", "StorageResourceManager", "StorageResourceManager"),
    ("guestOperationsManager", "GuestOperationsManager", "guestOperationsManager"),
    ("overheadMemoryManager", "OverheadMemoryManager", "OverheadMemoryManager"),
    ("certificateManager", "CertificateManager", "certificateManager"),
    ("ioFilterManager", "IoFilterManager", "IoFilterManager"),
    ("vStorageObjectManager", "VcenterVStorageObjectManager", "VStorageObjectManager"),
    ("hostSpecManager", "HostSpecificationManager", "HostSpecificationManager"),
    ("cryptoManager", "CryptoManagerKmip", "CryptoManager"),
    ("healthUpdateManager", "HealthUpdateManager", "HealthUpdateManager"),
    ("failoverClusterConfigurator", "FailoverClusterConfigurator", "FailoverClusterConfigurator"),
    ("failoverClusterManager", "FailoverClusterManager", "FailoverClusterManager"),
    ("tenantManager", "TenantTenantManager", "TenantManager"),
    ("siteInfoManager", "SiteInfoManager", "SiteInfoManager"),
    ("storageQueryManager", "StorageQueryManager", "StorageQueryManager"),
    ("directPathProfileManager", "DirectPathProfileManager", "DirectPathProfileMgr"),
)
"""Field of ServiceContent, type and id of each manager. Those without methods here answer NotSupported, by name."""

_ODD_IDS = {
    ("virtualDiskManager", "4.1"): "VirtualDiskManager",
    ("overheadMemoryManager", "6.0"): "OverheadMemoryManger",
}
"""Ids that a version spells in its own way."""


def declare_managers(service: Service) -> None:
    """Give a service its managers."""
    service.manager("ServiceInstance", "ServiceInstance")
    for field, wsdl, moid in MANAGERS:
        if known_type(wsdl):
            service.manager(_moid(service, field, moid), wsdl)


def _moid(service: Service, field: str, usual: str) -> str:
    profile = service.world.profile
    if field == "tenantManager":
        return f"{usual}-{profile.text('build')}"
    return _ODD_IDS.get((field, profile.version), usual)


def moment(seconds: float | None) -> datetime | None:
    """Return a time of the world as the API writes it."""
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


def about(call: Call) -> Any:
    """Return AboutInfo by the profile."""
    profile = call.world.profile
    version, build = profile.text("about_version"), profile.text("build")
    api = newest_known(profile.text("api_version"))
    return vim.AboutInfo(
        name="VMware vCenter Server",
        fullName=f"VMware vCenter Server {version} build-{build}",
        vendor="VMware, Inc.",
        version=version,
        patchLevel="0",
        build=build,
        localeVersion="INTL",
        localeBuild="000",
        osType="linux-x64",
        productLineId="vpx",
        apiType="VirtualCenter",
        apiVersion=api,
        instanceUuid=str(uuid.uuid5(uuid.NAMESPACE_OID, f"twohop vcenter {call.world.seed}")),
        licenseProductName="VMware VirtualCenter Server",
        licenseProductVersion=version.rpartition(".")[0],
    )


def _content(call: Call) -> Any:
    known = call.service.singletons
    ids = {field: _moid(call.service, field, moid) for field, _, moid in MANAGERS}
    managers = {field: call.ref(known[moid]) for field, moid in ids.items() if moid in known}
    return vim.ServiceInstanceContent(rootFolder=call.ref(call.world.root), about=about(call), **managers)


@SERVICE_INSTANCE.provides("content")
def _read_content(call: Call, _: Singleton) -> Any:
    return _content(call)


@SERVICE_INSTANCE.provides("serverClock")
def _server_clock(call: Call, _: Singleton) -> Any:
    return moment(call.world.clock.now())


@SERVICE_INSTANCE.method("RetrieveServiceContent")
def _retrieve_service_content(call: Call, _: Singleton) -> Any:
    return _content(call)


@SERVICE_INSTANCE.method("CurrentTime")
def _current_time(call: Call, _: Singleton) -> Any:
    return moment(call.world.clock.now())
