"""ServiceInstance: what the service is and where its managers are (10.12)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from ...world import World
from .._kinds import Kind
from .._registry import known_type, vim
from .._service import Call, Service, Singleton
from ._about import host_about, vcenter_about
from ._parts import find_part

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

MORE: list[Callable[[Service], None]] = []
"""What else the modules of managers declare: objects behind a manager."""

_ODD_IDS = {
    ("virtualDiskManager", "4.1"): "VirtualDiskManager",
    ("overheadMemoryManager", "6.0"): "OverheadMemoryManger",
}
"""Ids that a version spells in its own way."""


HOST_MANAGERS: tuple[tuple[str, str, str], ...] = (
    ("propertyCollector", "PropertyCollector", "ha-property-collector"),
    ("viewManager", "ViewManager", "ViewManager"),
    ("setting", "OptionManager", "HostAgentSettings"),
    ("userDirectory", "UserDirectory", "ha-user-directory"),
    ("sessionManager", "SessionManager", "ha-sessionmgr"),
    ("authorizationManager", "AuthorizationManager", "ha-authmgr"),
    ("perfManager", "PerformanceManager", "ha-perfmgr"),
    ("eventManager", "EventManager", "ha-eventmgr"),
    ("taskManager", "TaskManager", "ha-taskmgr"),
    ("accountManager", "HostLocalAccountManager", "ha-localacctmgr"),
    ("diagnosticManager", "DiagnosticManager", "ha-diagnosticmgr"),
    ("licenseManager", "LicenseManager", "ha-license-manager"),
    ("searchIndex", "SearchIndex", "ha-searchindex"),
    ("fileManager", "FileManager", "ha-nfc-file-manager"),
    ("datastoreNamespaceManager", "DatastoreNamespaceManager", "ha-datastore-namespace-manager"),
    ("virtualDiskManager", "VirtualDiskManager", "ha-vdiskmanager"),
    ("ovfManager", "OvfManager", "ha-ovf-manager"),
    ("dvSwitchManager", "DistributedVirtualSwitchManager", "ha-dvsmanager"),
    ("localizationManager", "LocalizationManager", "ha-l10n-manager"),
    ("storageResourceManager", "StorageResourceManager", "ha-storage-resource-manager"),
    ("guestOperationsManager", "GuestOperationsManager", "ha-guest-operations-manager"),
    ("vStorageObjectManager", "HostVStorageObjectManager", "ha-vstorage-object-manager"),
    ("cryptoManager", "CryptoManagerHost", "ha-crypto-manager"),
)
"""The same of a host's own agent; what only a vCenter has is absent (10.12)."""


def _managers(world: World) -> tuple[tuple[str, str, str], ...]:
    return HOST_MANAGERS if world.product.standalone else MANAGERS


def declare_managers(service: Service) -> None:
    """Give a service its managers, and the parts of its objects."""
    service.parts = find_part
    service.manager("ServiceInstance", "ServiceInstance")
    for field, wsdl, moid in _managers(service.world):
        if known_type(wsdl):
            service.manager(_moid(service, field, moid), wsdl)
    for declare in MORE:
        declare(service)


def _moid(service: Service, field: str, usual: str) -> str:
    profile = service.world.profile
    if field == "tenantManager":
        return f"{usual}-{profile.text('build')}"
    return _ODD_IDS.get((field, profile.version), usual)


def moment(seconds: float | None) -> datetime | None:
    """Return a time of the world as the API writes it."""
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


def _content(call: Call) -> Any:
    known = call.service.singletons
    ids = {field: _moid(call.service, field, moid) for field, _, moid in _managers(call.world)}
    managers = {field: call.ref(known[moid]) for field, moid in ids.items() if moid in known}
    about = host_about(call) if call.world.product.standalone else vcenter_about(call)
    return vim.ServiceInstanceContent(rootFolder=call.ref(call.world.root), about=about, **managers)


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
