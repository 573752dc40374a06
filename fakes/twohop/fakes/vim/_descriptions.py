"""Names of tasks and messages of events as a server's catalogue has them, in tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from ..machines import PowerState

TASKS: Mapping[str, str] = MappingProxyType(
    {
        "ResourcePool.ImportVAppLRO": "Deploy OVF template",
        "VirtualMachine.clone": "Clone virtual machine",
        "VirtualMachine.createSnapshot": "Create virtual machine snapshot",
        "VirtualMachine.destroy": "Delete virtual machine",
        "VirtualMachine.exportVm": "Export OVF template",
        "VirtualMachine.markAsTemplate": "Mark virtual machine as template",
        "VirtualMachine.markAsVirtualMachine": "Mark as virtual machine",
        "VirtualMachine.migrate": "Migrate virtual machine",
        "VirtualMachine.powerOff": "Power Off virtual machine",
        "VirtualMachine.powerOn": "Power On virtual machine",
        "VirtualMachine.reconfigure": "Reconfigure virtual machine",
        "VirtualMachine.relocate": "Relocate virtual machine",
        "VirtualMachine.rename": "Rename virtual machine",
        "VirtualMachine.removeAllSnapshots": "Remove all snapshots",
        "VirtualMachine.rebootGuest": "Initiate guest OS reboot",
        "VirtualMachine.reset": "Reset virtual machine",
        "VirtualMachine.revertToCurrentSnapshot": "Revert to current snapshot",
        "VirtualMachine.shutdownGuest": "Initiate guest OS shutdown",
        "VirtualMachine.standbyGuest": "Initiate guest OS standby",
        "VirtualMachine.suspend": "Suspend virtual machine",
        "VirtualMachine.unregister": "Unregister virtual machine",
        "VirtualApp.exportVApp": "Export OVF template",
        "VirtualApp.powerOff": "Stop vApp",
        "VirtualApp.destroy": "Delete vApp",
        "VirtualApp.powerOn": "Start vApp",
        "VirtualApp.rename": "Rename vApp",
        "VirtualApp.suspend": "Suspend vApp",
        "vm.Snapshot.exportSnapshot": "Export OVF template",
        "vm.Snapshot.remove": "Remove snapshot",
        "vm.Snapshot.rename": "Rename snapshot",
        "vm.Snapshot.revert": "Revert snapshot",
    }
)
"""What a task is called, by its descriptionId (1.11)."""

STATES: Mapping[str, str] = MappingProxyType(
    {"queued": "Queued", "running": "Running", "success": "Completed", "error": "Error"}
)


@dataclass(frozen=True, slots=True)
class EventText:
    """What a type of event is called, how grave it is, and its message; braces hold paths of fields."""

    description: str
    category: str
    message: str


EVENTS: Mapping[str, EventText] = MappingProxyType(
    {
        "AlreadyAuthenticatedSessionEvent": EventText(
            "Already authenticated", "error", "User cannot logon since the user is already logged on"
        ),
        "BadUsernameSessionEvent": EventText("Invalid user name", "error", "Cannot login {userName}@{ipAddress}"),
        "GeneralUserEvent": EventText("User event", "user", "User logged event: {message}"),
        "NoAccessUserEvent": EventText(
            "No access for user", "error", "Cannot login user {userName}@{ipAddress}: no permission"
        ),
        "SessionTerminatedEvent": EventText(
            "Session terminated", "info", "A session for user '{terminatedUsername}' has stopped"
        ),
        "TaskEvent": EventText("Task event", "info", "Task: {info.descriptionId}"),
        "UserLoginSessionEvent": EventText(
            "User login", "info", "User {userName}@{ipAddress} logged in as {userAgent}"
        ),
        "UserLogoutSessionEvent": EventText(
            "User logout",
            "info",
            "User {userName}@{ipAddress} logged out (login time: {loginTime}, number of API invocations: {callCount},"
            " user agent: {userAgent})",
        ),
        "VmPoweredOffEvent": EventText(
            "VM powered off", "info", "{vm.name} on {host.name} in {datacenter.name} is powered off"
        ),
        "VmPoweredOnEvent": EventText(
            "VM powered on", "info", "{vm.name} on {host.name} in {datacenter.name} is powered on"
        ),
        "VmRemovedEvent": EventText("VM removed", "info", "Removed {vm.name} on {host.name} from {datacenter.name}"),
        "VmResettingEvent": EventText("VM resetting", "info", "{vm.name} on {host.name} in {datacenter.name} is reset"),
        "VmStartingEvent": EventText(
            "VM starting", "info", "{vm.name} on host {host.name} in {datacenter.name} is starting"
        ),
        "VmStoppingEvent": EventText(
            "VM stopping", "info", "{vm.name} on {host.name} in {datacenter.name} is stopping"
        ),
        "VmSuspendedEvent": EventText(
            "VM suspended", "info", "{vm.name} on {host.name} in {datacenter.name} is suspended"
        ),
        "VmSuspendingEvent": EventText(
            "VM being suspended", "info", "{vm.name} on {host.name} in {datacenter.name} is being suspended"
        ),
    }
)
"""Events that the fake posts, by the WSDL name of their type."""

ON_POWER: Mapping[PowerState, tuple[str, str]] = MappingProxyType(
    {
        PowerState.ON: ("VmStartingEvent", "VmPoweredOnEvent"),
        PowerState.OFF: ("VmStoppingEvent", "VmPoweredOffEvent"),
        PowerState.SUSPENDED: ("VmSuspendingEvent", "VmSuspendedEvent"),
    }
)
"""Events of a machine that came to a power state."""


def task_label(description_id: str) -> str:
    """Return what a task is called; its id where the catalogue has no name for it."""
    return TASKS.get(description_id, description_id)
