"""Managers of which clients read little: options, custom fields, extensions, licences' kin, and what has nothing."""

from __future__ import annotations

from typing import Any

from .._kinds import KINDS, Kind
from .._registry import known_type, properties_of, vim
from .._service import Call, Part, Singleton
from ._service_instance import MORE, SERVICE_INSTANCE
from ._session_manager import SESSION_MANAGER
from ._values import data, epoch

EMPTY = {
    "CustomizationSpecManager": ("info", "encryptionKey"),
    "CustomFieldsManager": ("field",),
    "ClusterProfileManager": ("profile",),
    "HostProfileManager": ("profile",),
    "LocalizationManager": ("catalog",),
    "ScheduledTaskManager": ("scheduledTask",),
    "ServiceManager": ("service",),
    "UserDirectory": ("domainList",),
    "FailoverClusterConfigurator": ("disabledConfigureMethod",),
    "FailoverClusterManager": ("disabledClusterMethod",),
    "CryptoManagerKmip": ("kmipServers",),
}
"""Properties that hold nothing in a fresh installation."""


def _nothing(call: Call, _: Singleton) -> list[Any]:
    return []


for _wsdl, _names in EMPTY.items():
    if known_type(_wsdl):
        _kind = KINDS.get(_wsdl) or Kind(_wsdl)
        _kind.provides(*(name for name in _names if name in properties_of(_wsdl)))(_nothing)


@SERVICE_INSTANCE.provides("capability")
def _capability(call: Call, _: Singleton) -> Any:
    several = not call.world.product.standalone
    return data(
        vim.Capability, provisioningSupported=several, multiHostSupported=several, userShellAccessSupported=not several,
        supportedEVCMode=[], networkBackupAndRestoreSupported=several, ftDrsWithoutEvcSupported=several,
        hciWorkflowSupported=several,
    )  # fmt: skip


OPTION_MANAGER = Kind("OptionManager")
OPTIONS = {
    "VirtualCenter.InstanceName": "localhost",
    "VirtualCenter.VimPasswordExpirationInDays": 30,
    "config.vpxd.hostnameUrl": "localhost",
    "event.maxAge": 30,
    "task.maxAge": 30,
}
HOST_OPTIONS = {
    "Config.HostAgent.plugins.solo.enableMob": False,
    "UserVars.SuppressShellWarning": 0,
    "Net.TcpipHeapSize": 0,
    "Syslog.global.logDir": "[] /scratch/log",
}


def _settings(call: Call, manager: Singleton) -> dict[str, Any]:
    return HOST_OPTIONS if isinstance(manager, Part) or call.world.product.standalone else OPTIONS


@OPTION_MANAGER.provides("setting")
def _setting(call: Call, manager: Singleton) -> list[Any]:
    return [vim.option.OptionValue(key=key, value=value) for key, value in _settings(call, manager).items()]


@OPTION_MANAGER.provides("supportedOption")
def _supported(call: Call, manager: Singleton) -> list[Any]:
    return []


@OPTION_MANAGER.method("QueryOptions")
def _query_options(call: Call, manager: Singleton, name: str | None = None) -> list[Any]:
    wanted = name or ""
    found = [option for option in _setting(call, manager) if option.key == wanted or option.key.startswith(wanted)]
    if not found:
        raise vim.fault.InvalidName(name=wanted, msg=f"The name {wanted!r} is invalid.")
    return found


EXTENSION_MANAGER = Kind("ExtensionManager")
EXTENSIONS = {"com.vmware.vim.eam": "vSphere ESX Agent Manager", "com.vmware.vim.stats.report": "Performance charts"}


def _extensions() -> list[Any]:
    return [
        data(
            vim.Extension, description={"label": label, "summary": label}, key=key, company="VMware, Inc.",
            version="1.0",
            lastHeartbeatTime=epoch(), shownInSolutionManager=False,
        )
        for key, label in EXTENSIONS.items()
    ]  # fmt: skip


@EXTENSION_MANAGER.provides("extensionList")
def _extension_list(call: Call, _: Singleton) -> list[Any]:
    return _extensions()


@EXTENSION_MANAGER.method("FindExtension")
def _find_extension(call: Call, _: Singleton, extensionKey: str) -> Any:
    return next((each for each in _extensions() if each.key == extensionKey), None)


SCHEDULED_TASK_MANAGER = KINDS["ScheduledTaskManager"]


@SCHEDULED_TASK_MANAGER.provides("description")
def _scheduled_description(call: Call, _: Singleton) -> Any:
    def keyed(*keys: str) -> list[dict[str, str]]:
        return [{"label": key, "summary": key, "key": key} for key in keys]

    return data(
        vim.scheduler.ScheduledTaskDescription,
        action=[{"label": "Method", "summary": "Call a method", "key": vim.action.MethodAction}],
        schedulerInfo=[
            {
                "label": "Once",
                "summary": "At one moment",
                "key": vim.scheduler.OnceTaskScheduler,
                "frequency": "once",
            }
        ],
        state=keyed("error", "queued", "running", "success"),
        dayOfWeek=keyed("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"),
        weekOfMonth=keyed("first", "second", "third", "fourth", "last"),
    )


SNMP = Kind("HostSnmpSystem")


@SNMP.provides("configuration")
def _snmp_configuration(call: Call, _: Singleton) -> Any:
    return data(vim.host.SnmpSystem.SnmpConfigSpec, enabled=False, port=161)


@SNMP.provides("limits")
def _snmp_limits(call: Call, _: Singleton) -> Any:
    return data(
        vim.host.SnmpSystem.AgentLimits, maxReadOnlyCommunities=0, maxTrapDestinations=4, maxCommunityLength=64,
        maxBufferSize=0, capability="COMPLETE",
    )  # fmt: skip


if known_type("CryptoManagerKmip"):

    @KINDS["CryptoManagerKmip"].provides("enabled")
    def _crypto_enabled(call: Call, _: Singleton) -> bool:
        return True


if known_type("CryptoManagerHost"):
    CRYPTO_OF_HOST = KINDS.get("CryptoManagerHost") or Kind("CryptoManagerHost")

    @CRYPTO_OF_HOST.provides("enabled")
    def _crypto_of_host(call: Call, _: Singleton) -> bool:
        # No key was ever given to this host.
        return False


if "message" in properties_of("SessionManager"):

    @SESSION_MANAGER.provides("message")
    def _message(call: Call, _: Singleton) -> str:
        return ""


GUEST_OPERATIONS = Kind("GuestOperationsManager")
_GUEST_PARTS = {
    "authManager": ("GuestAuthManager", "guestOperationsAuthManager"),
    "fileManager": ("GuestFileManager", "guestOperationsFileManager"),
    "processManager": ("GuestProcessManager", "guestOperationsProcessManager"),
}


def declare_guest_parts(service: Any) -> None:
    """Give a service the managers behind its GuestOperationsManager."""
    for wsdl, moid in _GUEST_PARTS.values():
        service.manager(moid, wsdl)


MORE.append(declare_guest_parts)

for _field, (_wsdl, _moid) in _GUEST_PARTS.items():

    def _part(call: Call, _: Singleton, moid: str = _moid) -> Any:
        return call.ref(call.service.singletons[moid])

    GUEST_OPERATIONS.provides(_field)(_part)
