"""AuthorizationManager: roles, permissions, and who may do what."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from ...world import Entity
from .. import _faults as faults
from .._access import EVERY_PRIVILEGE, Permission, Role, canonical, shown
from .._kinds import Kind
from .._registry import vim
from .._service import Call, Singleton
from ._managed_entity import MANAGED_ENTITY

AUTHORIZATION_MANAGER = Kind("AuthorizationManager")
AuthorizationManager = vim.AuthorizationManager


def _group(privilege: str) -> str:
    return privilege.rpartition(".")[0]


def _shown_role(role: Role) -> Any:
    info = vim.Description(label=role.label, summary=role.label)
    return AuthorizationManager.Role(
        roleId=role.id, system=role.system, name=role.name, info=info, privilege=sorted(role.privileges)
    )


def _shown_permission(call: Call, permission: Permission) -> Any:
    return AuthorizationManager.Permission(
        entity=call.ref(call.world.objects.get(permission.entity)),
        principal=permission.principal,
        group=permission.group,
        roleId=permission.role,
        propagate=permission.propagate,
    )


def _entity(call: Call, reference: Any) -> Entity:
    found = call.resolve(reference)
    if not isinstance(found, Entity) or not issubclass(call.service.kind_of(found).vim, vim.ManagedEntity):
        raise faults.invalid_argument("entity", f"{reference._moId} is no managed entity.")
    return found


def _role(call: Call, number: int) -> Role:
    role = call.service.access.roles.get(number)
    if role is None:
        raise vim.fault.NotFound(msg="The object or item referred to could not be found.")
    return role


@AUTHORIZATION_MANAGER.provides("roleList")
def _role_list(call: Call, _: Singleton) -> list[Any]:
    return [_shown_role(role) for role in call.service.access.roles.values()]


@AUTHORIZATION_MANAGER.provides("privilegeList")
def _privilege_list(call: Call, _: Singleton) -> list[Any]:
    return [
        AuthorizationManager.Privilege(
            privId=each, onParent=False, name=each.rpartition(".")[2], privGroupName=_group(each)
        )
        for each in sorted(EVERY_PRIVILEGE)
    ]


@AUTHORIZATION_MANAGER.provides("description")
def _description(call: Call, _: Singleton) -> Any:
    def element(key: str) -> Any:
        return vim.ElementDescription(key=key, label=key, summary=key)

    groups = sorted({_group(each) for each in EVERY_PRIVILEGE})
    return vim.AuthorizationDescription(
        privilege=[element(each) for each in sorted(EVERY_PRIVILEGE)], privilegeGroup=[element(g) for g in groups]
    )


@AUTHORIZATION_MANAGER.method("RetrieveEntityPermissions")
def _entity_permissions(call: Call, _: Singleton, entity: Any, inherited: bool) -> list[Any]:
    found = call.service.access.of_entity(_entity(call, entity), inherited=inherited)
    return [_shown_permission(call, each) for each in found]


@AUTHORIZATION_MANAGER.method("RetrieveAllPermissions")
def _all_permissions(call: Call, _: Singleton) -> list[Any]:
    return [_shown_permission(call, each) for each in call.service.access.permissions]


@AUTHORIZATION_MANAGER.method("RetrieveRolePermissions")
def _role_permissions(call: Call, _: Singleton, roleId: int) -> list[Any]:
    role = _role(call, roleId)
    return [_shown_permission(call, each) for each in call.service.access.permissions if each.role == role.id]


def _held(call: Call, user: str, references: Iterable[Any], wanted: Sequence[str]) -> list[Any]:
    if not wanted:
        # The schema has no answer about no privilege.
        raise faults.invalid_argument("privId")
    return [
        AuthorizationManager.EntityPrivilege(
            entity=reference,
            privAvailability=[
                AuthorizationManager.PrivilegeAvailability(privId=each, isGranted=each in held) for each in wanted
            ],
        )
        for reference in references
        for held in [call.service.access.privileges(user, _entity(call, reference))]
    ]


def _user_of_session(call: Call, key: str) -> str:
    for session in call.service.sessions.active():
        if session.key == key:
            return session.user
    raise faults.invalid_argument("sessionId", "No session has this key.")


@AUTHORIZATION_MANAGER.method("HasPrivilegeOnEntity")
def _has_privilege(call: Call, _: Singleton, entity: Any, sessionId: str, privId: list[str] | None) -> list[bool]:
    (held,) = _held(call, _user_of_session(call, sessionId), [entity], privId or ())
    return [each.isGranted for each in held.privAvailability]


@AUTHORIZATION_MANAGER.method("HasPrivilegeOnEntities")
def _has_privileges(call: Call, _: Singleton, entity: list[Any], sessionId: str, privId: list[str] | None) -> list[Any]:
    return _held(call, _user_of_session(call, sessionId), entity, privId or ())


@AUTHORIZATION_MANAGER.method("HasUserPrivilegeOnEntities")
def _user_has(call: Call, _: Singleton, entities: list[Any], userName: str, privId: list[str] | None) -> list[Any]:
    return _held(call, userName, entities, privId or ())


@AUTHORIZATION_MANAGER.method("FetchUserPrivilegeOnEntities")
def _fetch_privileges(call: Call, _: Singleton, entities: list[Any], userName: str) -> list[Any]:
    privileges = call.service.access.privileges
    return [
        AuthorizationManager.UserPrivilegeResult(
            entity=reference, privileges=sorted(privileges(userName, _entity(call, reference)))
        )
        for reference in entities
    ]


def _check_role(call: Call, name: str, privileges: Iterable[str], but: int | None = None) -> None:
    if not name.strip():
        raise vim.fault.InvalidName(name=name, msg=f"The name '{name}' is not valid.")
    if any(role.name == name and role.id != but for role in call.service.access.roles.values()):
        raise vim.fault.AlreadyExists(name=name, msg="The specified key, name, or identifier already exists.")
    if set(privileges) - EVERY_PRIVILEGE:
        raise faults.invalid_argument("privIds")


def _check_changeable(role: Role) -> None:
    if role.system:
        raise faults.invalid_argument("roleId", "A system role cannot be changed.")


@AUTHORIZATION_MANAGER.method("AddAuthorizationRole")
def _add_role(call: Call, _: Singleton, name: str, privIds: list[str] | None) -> int:
    with call.world.lock:
        _check_role(call, name, privIds or ())
        return call.service.access.add_role(name, privIds or ()).id


@AUTHORIZATION_MANAGER.method("UpdateAuthorizationRole")
def _update_role(call: Call, _: Singleton, roleId: int, newName: str, privIds: list[str] | None) -> None:
    with call.world.lock:
        role = _role(call, roleId)
        _check_changeable(role)
        _check_role(call, newName, privIds or (), roleId)
        call.service.access.change_role(role.id, newName, privIds or ())


@AUTHORIZATION_MANAGER.method("RemoveAuthorizationRole")
def _remove_role(call: Call, _: Singleton, roleId: int, failIfUsed: bool) -> None:
    with call.world.lock:
        role = _role(call, roleId)
        _check_changeable(role)
        access = call.service.access
        if failIfUsed and any(each.role == roleId for each in access.permissions):
            raise vim.fault.RemoveFailed(msg="The role is in use.")
        access.put([each for each in access.permissions if each.role != roleId])
        del access.roles[roleId]


def _set(call: Call, entity: Any, given: list[Any] | None, *, only: bool) -> None:
    access = call.service.access
    with call.world.lock:
        place = _entity(call, entity)
        new = []
        for each in given or ():
            _role(call, each.roleId)
            user = access.user(each.principal)
            if each.group or user is None:
                raise vim.fault.UserNotFound(
                    principal=each.principal, unresolved=True,
                    msg=f"The user or group named '{each.principal}' does not exist.",
                )  # fmt: skip
            new.append(Permission(place.moid, shown(user.name), each.roleId, each.propagate))
        named = {canonical(each.principal) for each in new}
        rest = [
            each
            for each in access.permissions
            if each.entity != place.moid or not (only or canonical(each.principal) in named)
        ]
        access.put([*rest, *new])


@AUTHORIZATION_MANAGER.method("SetEntityPermissions")
def _set_permissions(call: Call, _: Singleton, entity: Any, permission: list[Any] | None) -> None:
    _set(call, entity, permission, only=False)


@AUTHORIZATION_MANAGER.method("ResetEntityPermissions")
def _reset_permissions(call: Call, _: Singleton, entity: Any, permission: list[Any] | None) -> None:
    _set(call, entity, permission, only=True)


@AUTHORIZATION_MANAGER.method("RemoveEntityPermission")
def _remove_permission(call: Call, _: Singleton, entity: Any, user: str, isGroup: bool) -> None:
    access = call.service.access
    with call.world.lock:
        place = _entity(call, entity)
        gone = [
            each
            for each in access.permissions
            if (each.entity, each.group, canonical(each.principal)) == (place.moid, isGroup, canonical(user))
        ]
        if not gone:
            raise vim.fault.NotFound(msg="The object or item referred to could not be found.")
        access.put([each for each in access.permissions if each not in gone])


@AUTHORIZATION_MANAGER.method("MergePermissions")
def _merge(call: Call, _: Singleton, srcRoleId: int, dstRoleId: int) -> None:
    access = call.service.access
    with call.world.lock:
        source, target = _role(call, srcRoleId), _role(call, dstRoleId)
        access.put([replace(e, role=target.id) if e.role == source.id else e for e in access.permissions])


@MANAGED_ENTITY.provides("effectiveRole")
def _effective_role(call: Call, entity: Entity) -> list[int]:
    return call.service.access.role_on(call.user, entity)


@MANAGED_ENTITY.provides("permission")
def _permissions(call: Call, entity: Entity) -> list[Any]:
    return [_shown_permission(call, each) for each in call.service.access.of_entity(entity, inherited=False)]
