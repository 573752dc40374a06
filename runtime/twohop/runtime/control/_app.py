"""The control API, version 1, as a WSGI application over whoever keeps the worlds."""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlsplit

from werkzeug.exceptions import BadRequest, Forbidden, HTTPException, NotFound, UnsupportedMediaType
from werkzeug.routing import Map, Rule
from werkzeug.wrappers import Request, Response

from .._clock import Clock
from .._journal import KINDS, Journal
from ..faults import FaultPlan, faults_of

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

LIMIT = 1 << 20
DEFAULT = "default"


class ControlledWorld(Protocol):
    """What the control plane needs of a world."""

    @property
    def clock(self) -> Clock:
        """The world's clock."""

    @property
    def journal(self) -> Journal:
        """The world's journal."""

    @property
    def faults(self) -> FaultPlan:
        """The world's plan of faults."""

    def reset(self) -> None:
        """Go back to the seed state: sessions and leases gone, journal cut, clock kept."""

    def ready(self) -> bool:
        """Tell whether every port answers."""

    def about(self) -> dict[str, Any]:
        """Describe the servers: products, profiles, addresses, what is implemented."""

    def ledger(self) -> list[dict[str, Any]] | None:
        """What crossed each leg of every two-hop export; None where the world has no cell."""

    def environment(self) -> dict[str, str]:
        """The variables with which a client finds the servers."""


class UnknownWorld(LookupError):
    """No world of that name."""


class WorldKeeper(Protocol):
    """Who keeps the worlds of a process."""

    def names(self) -> Iterable[str]:
        """Names of all worlds, `default` among them."""

    def world(self, name: str) -> ControlledWorld:
        """Return a world, or raise `UnknownWorld`."""

    def create(self, name: str, options: Mapping[str, Any]) -> ControlledWorld:
        """Make a new world; ValueError where the name is taken or an option is wrong."""

    def remove(self, name: str) -> None:
        """Stop and forget a world; ValueError for `default`."""


_PER_WORLD = (
    ("clock", "clock", ["GET"]),
    ("clock/advance", "advance", ["POST"]),
    ("journal", "journal", ["GET"]),
    ("reset", "reset", ["POST"]),
    ("about", "about", ["GET"]),
    ("ledger", "ledger", ["GET"]),
    ("faults", "faults", ["GET"]),
    ("faults", "plan", ["POST"]),
    ("faults", "clear", ["DELETE"]),
    ("faults/<fault>", "fault", ["GET"]),
    ("faults/<fault>", "forget", ["DELETE"]),
)


def _rules() -> Map:
    rules = [
        Rule("/v1/health", endpoint="health", methods=["GET"]),
        Rule("/v1/ready", endpoint="all_ready", methods=["GET"]),
        Rule("/v1/worlds", endpoint="worlds", methods=["GET"]),
        Rule("/v1/worlds", endpoint="create", methods=["POST"]),
        Rule("/v1/worlds/<world>", endpoint="show", methods=["GET"]),
        Rule("/v1/worlds/<world>", endpoint="remove", methods=["DELETE"]),
    ]
    for path, endpoint, methods in _PER_WORLD:
        rules.append(Rule(f"/v1/{path}", endpoint=endpoint, methods=methods, defaults={"world": DEFAULT}))
        rules.append(Rule(f"/v1/worlds/<world>/{path}", endpoint=endpoint, methods=methods))
    return Map(rules, redirect_defaults=False, merge_slashes=False)


class ControlApp:
    """Serves the control API for the worlds that `keeper` keeps; answers JSON, errors as `{"error": ...}`."""

    def __init__(self, keeper: WorldKeeper) -> None:
        self._keeper = keeper
        self._map = _rules()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        request = Request(environ)
        request.max_content_length = LIMIT
        try:
            answer = self._answer(request)
        except HTTPException as error:
            answer = _json({"error": error.description or error.name}, error.code or 500)
        except UnknownWorld as error:
            known = ", ".join(sorted(self._keeper.names()))
            answer = _json({"error": f"there is no world {error.args[0]!r} here; there are: {known}"}, 404)
        except ValueError as error:
            answer = _json({"error": str(error)}, 400)
        except Exception as error:
            # A timer that fails, or a thread that is stuck, while the clock is advanced: the caller has to hear of it.
            answer = _json({"error": f"{type(error).__name__}: {error}"}, 500)
        return answer(environ, start_response)

    def _answer(self, request: Request) -> Response:
        # A page in somebody's browser must not be able to move our clock, under whatever name it reached us.
        if "Origin" in request.headers:
            raise Forbidden("the control API takes no requests from web pages")
        if not _is_loopback(request.host):
            raise Forbidden("the control API answers to loopback addresses and localhost only")
        endpoint, arguments = self._map.bind_to_environ(request.environ).match()
        answer: Response = getattr(self, f"_on_{endpoint}")(request, **arguments)
        return answer

    def _on_health(self, request: Request) -> Response:
        return _json({"status": "ok"})

    def _on_all_ready(self, request: Request) -> Response:
        ready = all(self._keeper.world(name).ready() for name in self._keeper.names())
        return _json({"ready": ready}, 200 if ready else 503)

    def _on_worlds(self, request: Request) -> Response:
        return _json({"worlds": sorted(self._keeper.names())})

    def _on_create(self, request: Request) -> Response:
        options = _body(request)
        name = options.pop("name", None)
        if not isinstance(name, str):
            raise BadRequest('name the world: {"name": "..."}')
        made = self._keeper.create(name, options)
        return _json({"name": name, "environment": made.environment(), "about": made.about()}, 201)

    def _on_show(self, request: Request, world: str) -> Response:
        # Passwords are told once, to whoever made the world; the default world's stand in the environment file.
        return _json({"name": world, "about": self._keeper.world(world).about()})

    def _on_remove(self, request: Request, world: str) -> Response:
        self._keeper.remove(world)
        return Response(status=204)

    def _on_clock(self, request: Request, world: str) -> Response:
        clock = self._keeper.world(world).clock
        return _json({"now": clock.now(), "running": clock.running})

    def _on_advance(self, request: Request, world: str) -> Response:
        seconds = _body(request).get("seconds")
        if isinstance(seconds, bool) or not isinstance(seconds, int | float):
            raise BadRequest('say how far: {"seconds": 301}')
        served = self._keeper.world(world)
        served.clock.advance(seconds)
        served.journal.record("clock", server="control", advanced=seconds)
        return _json({"now": served.clock.now(), "running": served.clock.running})

    def _on_journal(self, request: Request, world: str) -> Response:
        since = request.args.get("since", "0")
        if not since.isdigit():
            raise BadRequest(f"since is a sequence number, got {since!r}")
        kind = request.args.get("kind")
        if kind is not None and kind not in KINDS:
            raise BadRequest(f"there is no kind {kind!r} of entries; kinds are {', '.join(sorted(KINDS))}")
        text = self._keeper.world(world).journal.ndjson(since=int(since), kind=kind)
        return Response(text, mimetype="application/x-ndjson")

    def _on_reset(self, request: Request, world: str) -> Response:
        self._keeper.world(world).reset()
        return _json({"reset": world})

    def _on_about(self, request: Request, world: str) -> Response:
        return _json(self._keeper.world(world).about())

    def _on_faults(self, request: Request, world: str) -> Response:
        plan = self._keeper.world(world).faults
        return _json({"seed": plan.seed, "faults": plan.report()})

    def _on_plan(self, request: Request, world: str) -> Response:
        plan, data = self._keeper.world(world).faults, _body(request)
        if "faults" not in data:
            return _json({"id": plan.add(data)}, 201)
        rules, seed = faults_of(data, "the body")
        if seed is not None:
            raise BadRequest("the body: the seed of a running plan stays; give a fault a seed of its own")
        return _json({"ids": plan.extend(rules)}, 201)

    def _on_clear(self, request: Request, world: str) -> Response:
        self._keeper.world(world).faults.clear()
        return Response(status=204)

    def _on_fault(self, request: Request, world: str, fault: str) -> Response:
        found = [each for each in self._keeper.world(world).faults.report() if each["id"] == fault]
        if not found:
            raise NotFound(f"there is no fault {fault!r} in the plan")
        return _json(found[0])

    def _on_forget(self, request: Request, world: str, fault: str) -> Response:
        try:
            self._keeper.world(world).faults.remove(fault)
        except KeyError:
            raise NotFound(f"there is no fault {fault!r} in the plan") from None
        return Response(status=204)

    def _on_ledger(self, request: Request, world: str) -> Response:
        ledger = self._keeper.world(world).ledger()
        if ledger is None:
            raise NotFound("this world has no cell, and only exports through a cell have a ledger")
        return _json({"transfers": ledger})


def _is_loopback(authority: str) -> bool:
    name = urlsplit(f"//{authority}").hostname or ""
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def _body(request: Request) -> dict[str, Any]:
    if request.mimetype != "application/json":
        raise UnsupportedMediaType("send application/json")
    try:
        value = json.loads(request.get_data() or b"{}", parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise BadRequest(f"the body is not JSON: {error}") from None
    if not isinstance(value, dict):
        raise BadRequest("send a JSON object")
    return value


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not a number")


def _json(value: Mapping[str, Any], status: int = 200) -> Response:
    return Response(json.dumps(value) + "\n", status=status, mimetype="application/json")
