"""What happened in a server, as the EventManager tells it: posted by what changes in the world, and by sessions.

Whatever changes a machine or starts a task does so through the world, so events are made from its changes and cannot
be forgotten. All events of one operation bear the chain id of its task.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from ..world import Changed, Entity, ExportTask, Host, Vm
from ._descriptions import EVENTS, ON_POWER, task_label
from ._registry import task_method, vim

if TYPE_CHECKING:
    from ._service import Service

KEPT = 10_000
"""Events that are remembered."""


@dataclass(frozen=True, slots=True)
class Posted:
    """An event and the object that it is about; those of sessions count for the root folder."""

    event: Any
    about: Entity


class History:
    """The events of a server, oldest first, and the chains that tasks have in them."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._world = service.world
        self.events: deque[Posted] = deque(maxlen=KEPT)
        self._key = 0
        self._chains: dict[str, int] = {}
        self._world.listen(self._hear)

    def clear(self) -> None:
        """Forget everything, keys included."""
        with self._world.lock:
            self.events.clear()
            self._chains.clear()
            self._key = 0

    def chain_of(self, task: ExportTask) -> int:
        """Return the chain id of a task's events."""
        return self._chains.get(task.moid, 0)

    def post(self, kind: str, user: str, *, about: Entity, chain: int | None = None, **more: Any) -> Any:
        """Post an event of a type by its WSDL name; it is a chain of its own unless it belongs to one."""
        with self._world.lock:
            self._key += 1
            event = getattr(vim.event, kind)(
                key=self._key,
                chainId=self._key if chain is None else chain,
                createdTime=datetime.fromtimestamp(self._world.clock.now(), UTC),
                userName=user,
                **self._arguments(about),
                **more,
            )
            event.fullFormattedMessage = _message(kind, event)
            self.events.append(Posted(event, about))
        return event

    def _hear(self, revision: int, made: list[Changed]) -> None:
        tasks = [change.new for change in made if change.path is None and isinstance(change.new, ExportTask)]
        for task in tasks:
            self._task(task)
        for change in made:
            # A vApp's task changes the machines in it.
            owner = next(
                (task for task in tasks if task.entity is change.entity), tasks[0] if len(tasks) == 1 else None
            )
            user, chain = (owner.user, self.chain_of(owner)) if owner is not None else ("", None)
            for kind in _kinds_of(change, owner):
                template = bool(getattr(change.entity, "template", False))
                self.post(kind, user, about=change.entity, chain=chain, template=template)

    def _task(self, task: ExportTask) -> None:
        self._chains[task.moid] = self._key + 1
        self.post("TaskEvent", task.user, about=task.entity, info=begun(self._service, task))

    def _arguments(self, entity: Entity) -> dict[str, Any]:
        ref, found = self._service.ref, {}
        datacenter = self._world.datacenter_of(entity)
        if datacenter is not None:
            argument = vim.event.DatacenterEventArgument(name=datacenter.name, datacenter=ref(datacenter))
            found["datacenter"] = argument
        host = entity.host if isinstance(entity, Vm) else entity if isinstance(entity, Host) else None
        if host is not None:
            cluster = host.cluster
            found["computeResource"] = vim.event.ComputeResourceEventArgument(
                name=cluster.name, computeResource=ref(cluster)
            )
            found["host"] = vim.event.HostEventArgument(name=host.name, host=ref(host))
        if isinstance(entity, Vm):
            found["vm"] = vim.event.VmEventArgument(name=entity.name, vm=ref(entity))
        return found


def begun(service: Service, task: ExportTask) -> Any:
    """Return TaskInfo of a task as it began, which is what its event holds."""
    return vim.TaskInfo(
        key=task.key,
        task=service.ref(task),
        name=task_method(task.description_id),
        descriptionId=task.description_id,
        entity=service.ref(task.entity),
        entityName=task.entity.name,
        state="queued",
        cancelled=False,
        cancelable=task.cancelable,
        reason=vim.TaskReasonUser(userName=task.user),
        queueTime=datetime.fromtimestamp(task.value.queued_at, UTC),
        eventChainId=service.history.chain_of(task),
    )


def _kinds_of(change: Changed, task: ExportTask | None) -> Iterator[str]:
    if not isinstance(change.entity, Vm):
        return
    if change.path == "power":
        yield from ON_POWER[change.new]
    elif change.path is None and change.new is None and task is not None:
        yield "VmRemovedEvent"


def _message(kind: str, event: Any) -> str:
    if kind == "TaskEvent":
        return f"Task: {task_label(event.info.descriptionId)}"
    pieces = EVENTS[kind].message.split("{")
    said = [pieces[0]]
    for piece in pieces[1:]:
        path, _, rest = piece.partition("}")
        value = event
        for step in path.split("."):
            value = getattr(value, step, None)
        said += [str(value) if value is not None else "", rest]
    return "".join(said)
