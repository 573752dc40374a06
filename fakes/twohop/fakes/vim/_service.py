"""Dispatch: a parsed request finds its object, its kind and its handler."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from twohop.runtime.faults import FaultPlan

from ..machines import LeaseInput, SessionState
from ..world import Entity, User, World, step_lease
from . import _faults as faults
from ._access import Access
from ._answers import Answers, Watched
from ._given import Given
from ._guard import check_call, check_session
from ._history import History
from ._kinds import BY_CLASS, KINDS, Kind
from ._registry import VmomiSupport, has, method_named, newest_known
from ._request import FETCH, Invocation
from ._sessions import Session, Sessions
from ._vocabulary import Vocabulary


@dataclass(eq=False)
class Singleton:
    """A manager of the service, such as the SessionManager."""

    moid: str
    wsdl: str


@dataclass(eq=False)
class Part(Singleton):
    """An object that is part of an entity, such as the browser of a datastore."""

    owner: Entity


@dataclass(eq=False)
class Call:
    """One call: the service it came to, the session it came in, and what it does to the cookie."""

    service: Service
    session: Session | None
    version: str
    address: str = ""
    agent: str = ""
    cookie: str | None = None
    set_cookie: str | None = None
    seen: list[Entity] = field(default_factory=list)
    method: str = ""
    prompt: bool = False

    def catch_up(self) -> None:
        """Let happen what is due, but in a call that may wait for nobody: just before it nothing was due."""
        if not self.prompt:
            self.world.clock.catch_up()

    @cached_property
    def watched(self) -> Watched:
        """The call as the readers of properties see it."""
        return Watched(self)

    @property
    def world(self) -> World:
        """The world of the service."""
        return self.service.world

    @property
    def user(self) -> str:
        """The name of the user of the session."""
        return self.session.user if self.session else ""

    def ref(self, obj: Any) -> Any:
        """Return the managed object reference of an object; None for None."""
        return self.service.ref(obj)

    def refs(self, objects: Any) -> list[Any]:
        """Return the references of several objects."""
        return [self.ref(obj) for obj in objects]

    def resolve(self, reference: Any) -> Any:
        """Return the object behind a reference; ManagedObjectNotFound where there is none."""
        return self.service.find(self.session, reference)


class Service:
    """The vSphere service of one world: every object that a reference can name, every method that is called on it."""

    def __init__(self, world: World, users: Sequence[User]) -> None:
        self.world = world
        self.faults = FaultPlan(world.clock)
        self.access = Access(world, users)
        self.history = History(self)
        self.sessions = Sessions(world, self._ended)
        self.gaps: Counter[str] = Counter()
        self.calls: Counter[str] = Counter()
        self.closed = threading.Event()
        self.parts: Callable[[World, str], Part | None] = lambda world, moid: None
        self.began = world.clock.now()
        self.given: dict[str, Given] = {}
        self.vocabulary = Vocabulary()
        self.singletons: dict[str, Singleton] = {}
        self.answers = Answers(self)

    def manager(self, moid: str, wsdl: str) -> Singleton:
        """Declare a manager."""
        return self.singletons.setdefault(moid, Singleton(moid, wsdl))

    def the(self, wsdl: str) -> Singleton:
        """Return the one manager of a type."""
        return next(found for found in self.singletons.values() if found.wsdl == wsdl)

    def ref(self, obj: Any) -> Any:
        """Return the managed object reference of an object; None for None."""
        return None if obj is None else self.kind_of(obj).vim(obj.moid, None)

    def reset(self) -> None:
        """Forget what happened and go back to the first permissions, once the world has gone back to its seed."""
        self.access.reset()
        self.history.clear()
        self.given.clear()
        self.answers.forget()

    def inventory(self) -> list[tuple[str, str]]:
        """Return the id and the type of every object there is, managers included."""
        with self.world.lock:
            known: list[Any] = [*self.singletons.values(), *self.world.objects.values()]
            return [(each.moid, self.kind_of(each).wsdl) for each in known]

    def kind_of(self, obj: Any) -> Kind:
        """Return the kind of an object."""
        if isinstance(obj, Singleton):
            kind = KINDS.get(obj.wsdl)
            return kind if kind is not None else Kind(obj.wsdl)
        usual = BY_CLASS[type(obj)]
        other = getattr(obj, "wsdl", None)
        return usual if other is None else KINDS.get(other) or Kind(other, usual)

    def find(self, session: Session | None, reference: Any) -> Any:
        """Return the object behind a reference; the client may name a super-class of its type for it (10.5)."""
        moid = reference._moId
        found = self.singletons.get(moid) or self.world.objects.get(moid)
        if found is None and session is not None:
            found = session.objects.get(moid)
        if found is None:
            found = self.parts(self.world, moid)
        if type(found) not in BY_CLASS and not isinstance(found, Singleton):
            raise faults.not_found(reference)
        if not issubclass(self.kind_of(found).vim, type(reference)):
            raise faults.not_found(reference)
        return found

    def invoke(self, call: Call, request: Invocation) -> Any:
        """Carry out a call and return its typed result; faults are raised."""
        name = call.method = request.method.wsdlName
        self.calls[name] += 1
        this = request.this
        if request.method is not FETCH:
            check_session(call, this, name)
        elif call.session is None and this._moId not in self.singletons:
            # What there is, is told to nobody without a session.
            raise faults.not_authenticated(this)
        if not has(call.version, request.method.version):
            # A method that came after the version spoken does not exist in it (1.8).
            raise faults.method_not_found(name)
        target = self.find(call.session, this)
        kind = self.kind_of(target)
        if request.method is FETCH:
            value = kind.read(call, target, request.arguments["prop"] or "")
            if isinstance(target, Entity):
                call.seen.append(target)
            return value
        handler = kind.methods.get(name)
        if handler is None:
            raise self._missing(kind, request.method)
        check_call(call, target, method_named(name), request.arguments)
        return handler(call, target, **request.arguments)

    def gap(self, what: str) -> None:
        """Count something that the real server has and the fake has not."""
        self.gaps[what] += 1
        self.world.journal.record("fault", server=self.world.product.name, gap=what)

    def open(self) -> None:
        """Let waits last, after a `close` too."""
        self.closed.clear()

    def close(self) -> None:
        """End every wait."""
        self.closed.set()
        self.sessions.clear()

    def about(self) -> dict[str, Any]:
        """Say what is implemented, what has been called and which gaps have been met."""
        kinds = {
            kind.wsdl: {"methods": sorted(kind.methods), "properties": kind.readable()}
            for kind in sorted(set(KINDS.values()), key=lambda k: k.wsdl)
            if kind.methods or kind.readers
        }
        api = newest_known(self.world.profile.text("api_version"))
        return {"api_version": api, "types": kinds, "calls": dict(self.calls), "gaps": dict(self.gaps)}

    def spoilt(self, reason: str) -> Any:
        """Return the fault of an import for which something came that is no disk."""
        if self.world.profile.text("bad_upload_fault") == "SystemError":
            return faults.system_error(reason)
        return faults.import_failed(reason)

    def _ended(self, session: Session) -> None:
        idle = session.value.state is SessionState.EXPIRED
        session_ended(self.world, session.key, "lease_after_idle" if idle else "lease_after_logout")
        logged_in = datetime.fromtimestamp(session.login_time, UTC)
        self.history.post(
            "UserLogoutSessionEvent", session.user, about=self.world.root,
            ipAddress=session.address, userAgent=session.agent,
            callCount=session.value.calls, sessionId=session.key, loginTime=logged_in,
        )  # fmt: skip
        self.world.stir()

    def _missing(self, kind: Kind, method: Any) -> Any:
        owner = method.type if isinstance(method.type, type) else VmomiSupport.GetVmodlType(method.typeName)
        if not issubclass(kind.vim, owner):
            return faults.method_not_found(method.wsdlName)
        what = f"the method {kind.wsdl}.{method.wsdlName}"
        self.gap(what)
        return faults.not_implemented(what)


def session_ended(world: World, session: str, field: str) -> None:
    """Do to a session's leases what a field of the profile says of its end (1.10, 3.13)."""
    if world.profile.text(field) == "stays":
        return
    with world.change():
        for lease in world.leases():
            if lease.session == session and lease.state.held:
                step_lease(world, lease, LeaseInput.ABORT, faults.request_canceled())
