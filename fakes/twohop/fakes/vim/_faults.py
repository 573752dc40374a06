"""Faults with their mandatory fields filled in, and the messages that real servers give them."""

from __future__ import annotations

from typing import Any

from ._registry import vim, vmodl

NOT_DONE = "twohop does not implement {what} yet: this is a gap of the fake, not an answer of vCenter"


def invalid_request(message: str) -> Any:
    """The request does not fit the protocol."""
    return vmodl.fault.InvalidRequest(msg=message)


def invalid_argument(name: str, message: str = "") -> Any:
    """An argument has a value that the method does not take; `invalidProperty` names it."""
    text = f"A specified parameter was not correct: {name}"
    return vmodl.fault.InvalidArgument(invalidProperty=name, msg=f"{text}. {message}" if message else text)


def invalid_property(path: str) -> Any:
    """A property path names nothing on that type (section 12, row 20)."""
    return vmodl.query.InvalidProperty(name=path, msg="")


def method_not_found(name: str) -> Any:
    """No such method in this vocabulary."""
    return vmodl.fault.MethodNotFound(
        receiver=vim.ServiceInstance("ServiceInstance", None), method=name, msg=f"Method not found: {name}."
    )


def not_implemented(what: str) -> Any:
    """The real server has it, twohop has not: said, never acted."""
    return vmodl.fault.NotSupported(msg=NOT_DONE.format(what=what))


def not_supported() -> Any:
    """The object does not support the operation (2.18)."""
    return vmodl.fault.NotSupported(msg="The operation is not supported on the object.")


def not_found(obj: Any) -> Any:
    """The object does not exist, or not any more; `obj` is mandatory (2.15)."""
    text = "The object has already been deleted or has not been completely created"
    return vmodl.fault.ManagedObjectNotFound(obj=obj, msg=text)


def not_authenticated(obj: Any, privilege: str = "System.View") -> Any:
    """No session, with the object and the privilege (2.14)."""
    return vim.fault.NotAuthenticated(object=obj, privilegeId=privilege, msg="The session is not authenticated.")


def no_permission(obj: Any, privilege: str) -> Any:
    """The user lacks a privilege on an object (2.14)."""
    lacking = vim.fault.NoPermission.EntityPrivileges(entity=obj, privilegeIds=[privilege])
    return vim.fault.NoPermission(
        object=obj,
        privilegeId=privilege,
        missingPrivileges=[lacking],
        msg="Permission to perform this operation was denied.",
    )


def invalid_login() -> Any:
    """A wrong user name or password (10.11)."""
    return vim.fault.InvalidLogin(msg="Cannot complete login due to an incorrect user name or password.")


def invalid_power_state(existing: str, requested: str | None) -> Any:
    """An operation that the power state does not allow (2.13)."""
    shown = {"poweredOn": "Powered on", "poweredOff": "Powered off", "suspended": "Suspended"}[existing]
    return vim.fault.InvalidPowerState(
        existingState=existing,
        requestedState=requested,
        msg=f"The attempted operation cannot be performed in the current state ({shown}).",
    )


def invalid_state() -> Any:
    """An operation that the object's state does not allow (2.1, 2.3)."""
    return vim.fault.InvalidState(msg="The operation is not allowed in the current state.")


def restricted_version() -> Any:
    """The licence does not allow the operation (2.19); the message has the length of the recorded one (2.12)."""
    return vim.fault.RestrictedVersion(
        msg="Current license or ESXi version prohibits execution of the requested operation."
    )


def timed_out() -> Any:
    """A lease or an operation that has timed out (2.2, 3.8)."""
    return vim.fault.Timedout(msg="Operation timed out.")


def invalid_name(name: str, entity: Any = None) -> Any:
    """A name that no object can have; `name` is mandatory."""
    return vim.fault.InvalidName(name=name, entity=entity, msg=f"The name '{name}' is invalid.")


def duplicate_name(name: str, taken_by: Any) -> Any:
    """A name that another object in the same place has; name and object are mandatory."""
    return vim.fault.DuplicateName(name=name, object=taken_by, msg=f"The name '{name}' already exists.")


def not_there() -> Any:
    """Something that the operation needs is not there, such as a current snapshot."""
    return vim.fault.NotFound(msg="The object or item referred to could not be found.")


def tools_unavailable() -> Any:
    """VMware Tools do not run in the guest."""
    text = "Cannot complete operation because VMware Tools is not running in this virtual machine."
    return vim.fault.ToolsUnavailable(msg=text)


def concurrent_access() -> Any:
    """The object has changed since the caller read it."""
    return vim.fault.ConcurrentAccess(msg="The object has been modified by another operation in the meantime.")


def inaccessible_datastore(store: Any, name: str, host: str) -> Any:
    """A host does not see a datastore; object and name of the datastore stand in it."""
    return vim.fault.InaccessibleDatastore(
        datastore=store, name=name, detail=f"The host {host} has no access to it.", msg=f"Unable to access the virtual "
        f"machine configuration: Unable to access file [{name}].",
    )  # fmt: skip


def import_failed(reason: str) -> Any:
    """An import that could not be carried out."""
    return vim.fault.OvfImportFailed(msg=f"Failed to deploy OVF package: {reason}")


def request_canceled() -> Any:
    """A task or a wait that somebody has cancelled (3.8, 10.8)."""
    return vmodl.fault.RequestCanceled(msg="The task was canceled by a user.")


def task_in_progress(task: Any) -> Any:
    """The object is busy with `task`, which is mandatory (2.15)."""
    return vim.fault.TaskInProgress(task=task, msg="Another task is already in progress.")


def encrypted() -> Any:
    """An operation on a machine that is encrypted, as every machine with a vTPM is (2.18)."""
    text = "The operation is not supported on the object."
    key = "com.vmware.vim.vpxd.encryption.opUnsupportedOnEncryptedVm"
    return vmodl.fault.NotSupported(msg=text, faultMessage=[vmodl.LocalizableMessage(key=key, message=text)])


def file_not_found(path: str) -> Any:
    """A file that is missing, by its datastore path; `file` is mandatory (2.15, 2.16)."""
    shown = path.replace("[", "/vmfs/volumes/", 1).replace("] ", "/", 1)
    return vim.fault.FileNotFound(file=path, msg=f"File {shown} was not found")


def invalid_collector_version() -> Any:
    """A version that the property collector does not know (10.8)."""
    return vmodl.query.InvalidCollectorVersion(msg="")


def system_error(reason: str) -> Any:
    """The fake itself is wrong; never a page of HTML, which clients parse as SOAP."""
    return vmodl.fault.SystemError(reason=reason, msg=f"A general system error occurred: {reason}")
