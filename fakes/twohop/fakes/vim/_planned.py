"""Faults of a plan that strike the API itself: a call answered with a fault or with another call's answer, a property
that is not there, a lease that is slow to initialise or fails at it."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Mapping
from fnmatch import fnmatchcase
from types import MappingProxyType
from typing import Any
from urllib.parse import unquote

from twohop.runtime.faults import SOCKET_KINDS, Arg, FaultError, FaultPlan, Kind

from ..world import ExportLease, World, prepare
from ._planned_fault import planned_fault
from ._registry import NAMESPACE, VmomiSupport, all_methods, all_properties, all_types, vmodl


def _checked(args: Mapping[str, Any], where: str) -> None:
    planned_fault(args, where)


def _foreign(args: Mapping[str, Any], where: str) -> None:
    if args["reply"] not in all_methods() - {"Fetch"}:
        raise FaultError(f"{where}: vim25 has no method {args['reply']!r} whose answer could come")


def _span(args: Mapping[str, Any], where: str) -> None:
    if (args["reads"] is None) == (args["seconds"] is None):
        raise FaultError(f"{where}: give one of reads and seconds")


_HOW = ("unset", "missingSet")
_TYPE = Arg(str, None, "the fault by its name in the WSDL, such as TaskInProgress", needed=True)
_MESSAGE = Arg(str, None, "its text; left out, that of a real server where it is known")
_FIELDS = Arg(dict, None, "its fields; mandatory ones that are left out are filled in")

CALL_KINDS: Mapping[str, Kind] = MappingProxyType(
    {
        kind.name: kind
        for kind in (
            Kind(
                "fault", ("call",), "the call is answered with a fault",
                {"type": _TYPE, "message": _MESSAGE, "fields": _FIELDS,
                 "carried_out": Arg(bool, False, "whether the call is carried out all the same")},
                _checked,
            ),
            Kind(
                "foreign", ("call",), "the call is answered with the answer of another method",
                {"reply": Arg(str, "RetrieveProperties", "the method whose answer comes"),
                 "carried_out": Arg(bool, True, "whether the call is carried out all the same")},
                _foreign,
            ),
            Kind(
                "missing", ("read",), "a property is not in the answer",
                {"how": Arg(str, "unset", "unset, or named in missingSet with a fault", accepted=_HOW),
                 "type": Arg(str, "NotAuthenticated", "the fault in missingSet")},
                _checked,
            ),
            Kind(
                "slow-initialising", ("lease",), "the lease stays initializing",
                {"reads": Arg(int, None, "how often a client sees it so", 0),
                 "seconds": Arg(float, None, "seconds of the world's clock", 0)},
                _span,
            ),
            Kind(
                "failed-initialising", ("lease",), "the lease goes from initializing to error",
                {"type": _TYPE, "message": _MESSAGE, "fields": _FIELDS},
                _checked,
            ),
        )
    }
)  # fmt: skip
"""What can go wrong with the API, whatever the socket does."""

KINDS: Mapping[str, Kind] = MappingProxyType({**SOCKET_KINDS, **CALL_KINDS})


def _one_of(names: Callable[[], frozenset[str]]) -> Callable[[str], bool]:
    return lambda pattern: any(fnmatchcase(name, pattern) for name in names())


VOCABULARY = MappingProxyType(
    {"method": _one_of(all_methods), "type": _one_of(all_types), "property": _one_of(all_properties)}
)
"""Words of a match that name something of the API, and whether there is such a thing."""


def plan_for(world: World, seed: int) -> FaultPlan:
    """Return an empty plan of a world with the kinds that its servers know how to do."""
    return FaultPlan(world.clock, world.journal, seed=seed, kinds=KINDS, vocabulary=VOCABULARY)


# -- what a request is about, told to whoever decides on sockets -------------------------------------------------------

_BODY = re.compile(rb"<(?:[\w.-]+:)?Body\b[^>]*>\s*<(?:[\w.-]+:)?(\w+)")
_THIS = re.compile(rb"<(?:[\w.-]+:)?_this\b[^>]*>([^<]*)<")
LIMIT = 32 << 20
"""Bytes of a request beyond which nobody reads on."""
FRONT = 1 << 16
"""Bytes of a request in which its method and its object stand."""


def describe_call(world: World, environ: dict[str, Any]) -> dict[str, str | int]:
    """Tell the method of a SOAP request and, where it is about one, the lease's number; the body stays readable."""
    if environ["REQUEST_METHOD"] != "POST" or not environ["PATH_INFO"].startswith("/sdk"):
        return {}
    if int(environ.get("CONTENT_LENGTH") or 0) > LIMIT:
        return {}
    body, source = bytearray(), environ["wsgi.input"]
    # In pieces, since the stream makes room for as much as it is asked for; too long a body is refused later.
    while len(body) <= LIMIT and (piece := source.read(FRONT)):
        body += piece
    environ["wsgi.input"] = io.BytesIO(body)
    method, this = _BODY.search(body, 0, FRONT), _THIS.search(body, 0, FRONT)
    told: dict[str, str | int] = {} if method is None else {"method": method[1].decode()}
    target = world.objects.get(this[1].decode("utf-8", "replace").strip()) if this is not None else None
    if isinstance(target, ExportLease):
        told |= {"type": "HttpNfcLease", "lease": target.number}
    return told


def describe_file(world: World, host: str, environ: dict[str, Any]) -> dict[str, str | int]:
    """Tell the name of the file at a device URL and the number of its lease."""
    parts = str(environ["REQUEST_URI"]).partition("?")[0].split("/")
    if len(parts) < 3:
        return {}
    told: dict[str, str | int] = {"file": unquote(parts[-1])}
    try:
        redeemed = world.redeem(parts[-2], world.host(host))
    except KeyError:
        return told
    if redeemed is not None:
        told["lease"] = redeemed[0].number
    return told


# -- strikes -----------------------------------------------------------------------------------------------------------


def invoke_planned(call: Any, request: Any) -> tuple[Any, Any]:
    """Carry out a call as the plan decides; return the method whose answer is sent, and the typed result."""
    service = call.service
    wsdl, facts = request.method.wsdlName, {}
    target = service.world.objects.get(request.this._moId)
    if isinstance(target, ExportLease):
        facts["lease"] = target.number
    kind = VmomiSupport.GetWsdlName(type(request.this))
    strike = service.faults.strike("call", service.world.product.name, method=wsdl, type=kind, **facts)
    if strike is None:
        return request.method, service.invoke(call, request)
    if strike.args["carried_out"]:
        service.invoke(call, request)
    if strike.kind == "fault":
        raise planned_fault(strike.args, target=request.this)
    reply = strike.args["reply"]
    return VmomiSupport.GetWsdlMethod(NAMESPACE, reply).info, _of_somebody_else(call, request.this, target, reply)


def _of_somebody_else(call: Any, this: Any, target: Any, reply: str) -> Any:
    """Return what a read of the same object would have been told; nothing where the answer is not one of a read."""
    if reply not in ("RetrieveProperties", "RetrievePropertiesEx"):
        return None
    collector = vmodl.query.PropertyCollector
    told = [vmodl.DynamicProperty(name="state", val=target.state.seen)] if isinstance(target, ExportLease) else []
    content = [collector.ObjectContent(obj=this, propSet=told)]
    return content if reply == "RetrieveProperties" else collector.RetrieveResult(objects=content)


def read_planned(call: Any, obj: Any, wsdl: str, path: str) -> bool:
    """Tell whether the plan leaves a property out; where it is to be told as missing, its fault is raised."""
    service = call.service
    facts: dict[str, str | int] = {"lease": obj.number} if isinstance(obj, ExportLease) else {}
    strike = service.faults.strike(
        "read", service.world.product.name, method=call.method, type=wsdl, property=path, **facts
    )
    if strike is None:
        return False
    if strike.args["how"] == "missingSet":
        raise planned_fault(strike.args, target=call.ref(obj))
    return True


def grant_planned(call: Any, lease: ExportLease) -> None:
    """Let a lease that was just granted be slow to initialise, or fail at it, as the plan decides."""
    service, world = call.service, call.world
    strike = service.faults.strike("lease", world.product.name, method=call.method, lease=lease.number)
    if strike is None:
        return
    if strike.kind == "failed-initialising":
        lease.failure = planned_fault(strike.args, target=call.ref(lease.entity))
    elif strike.args["reads"] is not None:
        lease.reads = lease.reads_left = strike.args["reads"]
    else:
        lease.reads = lease.reads_left = 1
        lease.timed = True
        world.clock.call_at(strike.at + strike.args["seconds"], lambda: _initialised(world, lease))


def _initialised(world: World, lease: ExportLease) -> None:
    with world.lock:
        if lease.moid in world.objects:
            lease.reads_left, lease.timed = 0, False
            prepare(world, lease)
