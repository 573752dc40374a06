"""Who may do what: roles, permissions on places of the inventory, and what a call needs (2.11, 2.14).

A permission of a user on an object covers what lies below it, until another one of the same user stands nearer. A
machine or vApp lies below its folder and below its resource pool and takes what either gives. Who has access to an
object sees the places above it.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from ..world import Entity, ExportLease, ExportTask, Grant, Snapshot, User, VApp, Vm, World, WorldFileError
from ._registry import known_privileges, vim

ANONYMOUS, VIEW, READ = "System.Anonymous", "System.View", "System.Read"
ADMIN, READ_ONLY, VIEW_ROLE, ANONYMOUS_ROLE, NO_ACCESS = -1, -2, -3, -4, -5
BASE = frozenset({ANONYMOUS, VIEW, READ})
"""What every role has that was made by somebody: the server adds these of its own accord."""

EVERY_PRIVILEGE = known_privileges() | {
    "Datacenter.Delete", "Datacenter.Rename", "Datastore.Browse", "Folder.Rename", "Global.CancelTask",
    "Host.Inventory.DeleteCluster", "Host.Inventory.RenameCluster", "Resource.DeletePool", "Resource.HotMigrate",
    "Resource.RenamePool", "VApp.Delete", "VApp.PullFromUrls", "VApp.Rename", "VirtualMachine.Config.Rename",
    "VirtualMachine.Inventory.Delete", "VirtualMachine.Inventory.Move",
}  # fmt: skip
"""Privileges that the metadata names, and those that only the text of the reference does."""


@dataclass(frozen=True, slots=True)
class Role:
    """A set of privileges under a name; `system` ones cannot be changed."""

    id: int
    name: str
    label: str
    privileges: frozenset[str]
    system: bool = False


@dataclass(frozen=True, slots=True)
class Permission:
    """What a principal may do on an object: a role, here alone or below as well."""

    entity: str
    principal: str
    role: int
    propagate: bool = True
    group: bool = False


_SYSTEM = (
    Role(NO_ACCESS, "NoAccess", "No access", frozenset(), system=True),
    Role(ANONYMOUS_ROLE, "Anonymous", "Anonymous", frozenset({ANONYMOUS}), system=True),
    Role(VIEW_ROLE, "View", "View", frozenset({ANONYMOUS, VIEW}), system=True),
    Role(READ_ONLY, "ReadOnly", "Read-only", BASE, system=True),
    Role(ADMIN, "Admin", "Administrator", EVERY_PRIVILEGE, system=True),
)
FIRST_ROLE = 1001
_USUAL = 256
"""Characters of a user name beyond which its form is not kept."""


class Access:
    """The users of a server, its roles and its permissions; `reset` goes back to those it began with."""

    def __init__(self, world: World, users: Sequence[User]) -> None:
        self._world = world
        self._users = {canonical(user.name): user for user in users}
        if len(self._users) != len(users):
            raise WorldFileError("two users have one name: user@domain and DOMAIN\\user are the same")
        self.roles: dict[int, Role] = {}
        self.permissions: list[Permission] = []
        self.reset()

    def reset(self) -> None:
        """Go back to the roles and permissions of the beginning."""
        self.roles = {role.id: role for role in _SYSTEM}
        self.permissions = []
        for user in self._users.values():
            for grant in user.grants:
                role = self._role_of(user, grant)
                place = self._place(user, grant.on)
                self.permissions.append(Permission(place.moid, shown(user.name), role.id, grant.propagate))

    def follow(self, root: str) -> None:
        """Take permissions on what was the root folder to the one of today; those on what is gone go with it."""
        here = self._world.root.moid
        kept = (replace(p, entity=here) if p.entity == root else p for p in self.permissions)
        self.permissions = [p for p in kept if p.entity in self._world.objects]

    def user(self, name: str) -> User | None:
        """Return the user of that name, in any of its forms."""
        return self._users.get(canonical(name))

    def login(self, name: str, password: str) -> User | None:
        """Return the user whom name and password are right for; None for anybody else."""
        user = self.user(name)
        expected = user.password if user is not None else ""
        right = hmac.compare_digest(password.encode(), expected.encode())
        return user if user is not None and right else None

    def has_any(self, principal: str) -> bool:
        """Tell whether a user has access to anything at all."""
        return any(self.roles[p.role].privileges for p in self._of(principal))

    def add_role(self, name: str, privileges: Iterable[str]) -> Role:
        """Make a role."""
        id = max(FIRST_ROLE - 1, *self.roles) + 1
        role = self.roles[id] = Role(id, name, name, frozenset(privileges) | BASE)
        return role

    def change_role(self, id: int, name: str, privileges: Iterable[str]) -> None:
        """Give a role another name and other privileges; whoever has it may do something else from now on."""
        self.roles[id] = Role(id, name, name, frozenset(privileges) | BASE)

    def put(self, permissions: list[Permission]) -> None:
        """Replace all permissions. Somebody must remain who may change them."""
        root = self._world.root.moid
        if not any(p.role == ADMIN and p.entity == root for p in permissions):
            raise vim.fault.AuthMinimumAdminPermission(msg="The last administrator cannot be removed.")
        self.permissions = permissions

    def privileges(self, principal: str, entity: Entity) -> frozenset[str]:
        """Return what a user may do on an object of the inventory."""
        if self.unlimited(principal):
            return EVERY_PRIVILEGE
        mine = self._of(principal)
        found = self._granted({p.entity: p for p in mine}, entity, below=False)
        if VIEW not in found and any(self._leads_to(entity, p) for p in mine):
            found |= self.roles[VIEW_ROLE].privileges
        return found

    def unlimited(self, principal: str) -> bool:
        """Tell whether a user may do everything everywhere: an administrator on the root folder and nothing else."""
        mine = self._of(principal)
        root = self._world.root.moid
        return len(mine) == 1 and mine[0].role == ADMIN and mine[0].entity == root and mine[0].propagate

    def role_on(self, principal: str, entity: Entity) -> list[int]:
        """Return the roles that a user has on an object, nearest first."""
        mine = {p.entity: p for p in self._of(principal)}
        found = list(dict.fromkeys(self._roles(mine, entity, below=False)))
        return found or ([VIEW_ROLE] if VIEW in self.privileges(principal, entity) else [NO_ACCESS])

    def of_entity(self, entity: Entity, *, inherited: bool) -> list[Permission]:
        """Return the permissions on an object, and those that it takes from above."""
        here = [p for p in self.permissions if p.entity == entity.moid]
        if inherited:
            for above in parents(entity):
                taken = [p for p in self.of_entity(above, inherited=True) if p.propagate]
                here += [p for p in taken if p not in here and not _same(p, here)]
        return here

    def _of(self, principal: str) -> list[Permission]:
        wanted = canonical(principal)
        return [p for p in self.permissions if canonical(p.principal) == wanted]

    def _granted(self, mine: dict[str, Permission], entity: Entity, *, below: bool) -> frozenset[str]:
        return frozenset().union(*(self.roles[r].privileges for r in self._roles(mine, entity, below=below)))

    def _roles(self, mine: dict[str, Permission], entity: Entity, *, below: bool) -> Iterator[int]:
        own = mine.get(entity.moid)
        if own is not None and (own.propagate or not below):
            yield own.role
            return
        for above in parents(entity):
            yield from self._roles(mine, above, below=True)

    def _leads_to(self, entity: Entity, permission: Permission) -> bool:
        if not self.roles[permission.role].privileges:
            return False
        place = self._world.objects.get(permission.entity)
        return place is not None and entity in above(place)

    def _role_of(self, user: User, grant: Grant) -> Role:
        if grant.role is not None:
            return next(role for role in self.roles.values() if role.name == grant.role)
        unknown = sorted(set(grant.privileges) - EVERY_PRIVILEGE)
        if unknown:
            raise WorldFileError(f"user {user.name}: no privilege is called {', '.join(map(repr, unknown))}")
        wanted = frozenset(grant.privileges) | BASE
        known = next((r for r in self.roles.values() if not r.system and r.privileges == wanted), None)
        return known or self.add_role(f"role of {user.name}", wanted)

    def _place(self, user: User, path: str) -> Entity:
        wanted = path.strip("/")
        for entity in self._world.objects.values():
            if entity is self._world.root if not wanted else self._world.path_of(entity) == wanted:
                return entity
        raise WorldFileError(f"user {user.name}: this world has nothing at {path!r}")


def _same(permission: Permission, among: list[Permission]) -> bool:
    return any(canonical(p.principal) == canonical(permission.principal) for p in among)


def parents(entity: Entity) -> list[Entity]:
    """Return what an object takes its permissions from."""
    found: list[Entity | None] = [entity.parent]
    if isinstance(entity, Vm):
        found.append(entity.pool)
    if isinstance(entity, VApp):
        found.append(entity.folder)
    return list(dict.fromkeys(each for each in found if each is not None))


def above(entity: Entity) -> set[Entity]:
    """Return every object above one."""
    found: set[Entity] = set()
    todo = parents(entity)
    while todo:
        each = todo.pop()
        if each not in found:
            found.add(each)
            todo += parents(each)
    return found


def anchor(world: World, obj: Any) -> Entity:
    """Return the object of the inventory whose permissions count for an object: its own, or the root folder's."""
    if isinstance(obj, Snapshot):
        return obj.vm
    if isinstance(obj, ExportLease | ExportTask):
        return obj.entity
    return obj if isinstance(obj, Entity) else world.root


def canonical(name: str) -> str:
    """Return a user name in one of its forms, for comparing: DOMAIN\\user and user@domain are one user."""
    # Whoever logs in chooses the name; what is kept of names must not grow by that.
    return _canonical(name) if len(name) <= _USUAL else _canonical.__wrapped__(name)


@lru_cache(maxsize=256)
def _canonical(name: str) -> str:
    domain, backslash, local = name.rpartition("\\")
    return (f"{local}@{domain}" if backslash else name).lower()


def shown(name: str) -> str:
    """Return a user name as sessions, tasks and events show it: DOMAIN\\user (10.11, 8.5)."""
    local, at, domain = name.rpartition("@")
    return f"{domain.upper()}\\{local}" if at else name
