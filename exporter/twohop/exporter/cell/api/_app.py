"""The vCloud face: routes, sessions, version negotiation, headers; what an entity is stands in the other modules."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from sqlalchemy.exc import SQLAlchemyError
from werkzeug.exceptions import HTTPException, MethodNotAllowed
from werkzeug.routing import Map, RequestRedirect, Rule
from werkzeug.wrappers import Request, Response

from twohop.exporter._errors import ExportError
from twohop.runtime import Journal
from twohop.runtime.profiles import Profile

from ..engine import Engine, cause
from ._errors import ApiError, NotSupported, method_not_allowed, not_found
from ._logins import Expired, Login, Logins
from ._negotiation import negotiate, number
from ._resources import Call, Resources, unauthorized
from ._transfer import PREFIX, TransferEndpoint
from ._xml import TYPE

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

MOST_BODY = 1 << 20
MOST_GAPS = 1000
"""Gaps that are counted one by one; clients choose the paths."""
_SHOWN = 200
"""Characters of a path that are shown."""
_REAL = (
    "admin", "amqp", "catalog", "catalogItem", "catalogs", "disk", "entity", "extensibility", "extension", "media",
    "network", "org", "server", "supportedSystemsInfo", "task", "tasksList", "token", "user", "vApp", "vAppTemplate",
    "vdc", "vdcStorageProfile",
)  # fmt: skip
"""First path segments that a real cell has something under."""


_CHANGEABLE = re.compile(r"/api/(?:vApp/vapp|vAppTemplate/vappTemplate|media|catalogItem)[-/][^/]+/?$")
"""What a real cell lets its owner change and delete; twohop has not that, and says so."""


def _rules() -> Map:
    get, post = ["GET"], ["POST"]
    vapp, template, media = "/api/vApp/vapp-<id>", "/api/vAppTemplate/vappTemplate-<id>", "/api/media/<id>"
    return Map(
        [
            Rule("/api/versions", endpoint="versions", methods=get),
            Rule("/api/sessions", endpoint="login", methods=post),
            Rule("/api/login", endpoint="login", methods=post),
            Rule("/api/session", endpoint="session", methods=get),
            Rule("/api/session", endpoint="logout", methods=["DELETE"]),
            Rule("/cloudapi/1.0.0/sessions", endpoint="cloudapi_login", methods=post),
            Rule("/cloudapi/1.0.0/sessions/provider", endpoint="provider_login", methods=post),
            Rule("/cloudapi/1.0.0/sessions/current", endpoint="cloudapi_session", methods=get),
            Rule("/cloudapi/1.0.0/sessions/current", endpoint="logout", methods=["DELETE"]),
            Rule("/api/org/", endpoint="org_list", methods=get),
            Rule("/api/org", endpoint="org_list", methods=get),
            Rule("/api/org/<id>", endpoint="org", methods=get),
            Rule("/api/vdc/<id>", endpoint="vdc", methods=get),
            Rule("/api/catalog/<id>", endpoint="catalog", methods=get),
            Rule("/api/catalogItem/<id>", endpoint="item", methods=get),
            Rule("/api/query", endpoint="query", methods=get),
            Rule("/api/task/<id>", endpoint="task", methods=get),
            Rule("/api/task/<id>/action/cancel", endpoint="cancel", methods=post),
            *(
                rule
                for path, kind in ((vapp, "vApp"), (template, "vAppTemplate"), (media, "media"))
                for rule in (
                    Rule(path, endpoint="entity", methods=get, defaults={"kind": kind}),
                    Rule(f"{path}/action/enableDownload", endpoint="enable", methods=post, defaults={"kind": kind}),
                    Rule(f"{path}/action/disableDownload", endpoint="disable", methods=post, defaults={"kind": kind}),
                )
            ),
        ],
        strict_slashes=False,
        merge_slashes=False,
        redirect_defaults=False,
    )


_OPEN = frozenset({"versions", "login", "cloudapi_login", "provider_login"})
"""Endpoints that need no session."""


class CellApp:
    """The API and the download endpoint of one cell, as a WSGI application; `base` gives its public URL (6.3)."""

    def __init__(
        self, engine: Engine, logins: Logins, profile: Profile, journal: Journal, base: Callable[[], str], *, name: str
    ) -> None:
        self._logins, self._profile, self._journal, self._name = logins, profile, journal, name
        self._resources = Resources(engine, logins, profile, base)
        self._map = _rules()
        self._transfer = TransferEndpoint(engine, profile, self._authorized, self._stale, self._complain)
        self.gaps: dict[str, int] = {}

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        if environ["REQUEST_METHOD"] != environ["REQUEST_METHOD"].upper():
            # Methods have a case; werkzeug would make GET of get.
            return Response(status=405)(environ, start_response)
        request = Request(environ)
        request.max_content_length = MOST_BODY
        if "\0" in request.path:
            # No database takes it for a text.
            return Response(status=400)(environ, start_response)
        if request.path.startswith(PREFIX):
            return self._transfer(request, start_response)
        if not request.path.startswith(("/api/", "/cloudapi/")) and request.path not in ("/api", "/cloudapi"):
            return Response(status=404)(environ, start_response)
        return self._api(request)(environ, start_response)

    def _api(self, request: Request) -> Response:
        began, call = time.perf_counter(), Call(request)
        try:
            response = self._answer(call)
        except ApiError as error:
            if isinstance(error, NotSupported):
                self._count_gap(request, error)
            response = self._error(call, error)
        except (SQLAlchemyError, ExportError) as error:
            self._complain(cause(error))
            response = self._error(call, ApiError(500, "INTERNAL_SERVER_ERROR", f"[ {call.id} ] {cause(error)}"))
        self._decorate(call, response, began)
        return response

    def _decorate(self, call: Call, response: Response, began: float) -> None:
        """Add the headers that answers of the API have whatever they answer (1.10)."""
        profile, headers, entered = self._profile, response.headers, call.tokens is not None
        if profile.text("request_id_header") == "api-only":
            headers["X-VMWARE-VCLOUD-REQUEST-ID"] = call.id
            headers["X-VMWARE-VCLOUD-REQUEST-EXECUTION-TIME"] = str(int(1000 * (time.perf_counter() - began)))
        if profile.text("vary") == "present":
            headers["Vary"] = "Accept-Encoding, User-Agent"
        token = call.presented if response.status_code < 400 and profile.text("echo_token") == "all" else None
        if call.tokens is not None:
            token = call.tokens.session
            if number(call.version) >= (33, 0):
                headers["X-VMWARE-VCLOUD-ACCESS-TOKEN"] = call.tokens.access
                headers["X-VMWARE-VCLOUD-TOKEN-TYPE"] = "Bearer"
        if token is not None:
            headers["X-VCLOUD-AUTHORIZATION"] = token
            cookie = profile.text("set_cookie")
            if cookie == "all" or (cookie == "login" and entered):
                headers["Set-Cookie"] = f"vcloud-token={token}; Secure; Path=/"

    def _answer(self, call: Call) -> Response:
        request = call.request
        try:
            endpoint, arguments = self._map.bind_to_environ(request.environ).match()
        except MethodNotAllowed as error:
            if request.method in ("PUT", "DELETE") and _CHANGEABLE.match(request.path):
                raise NotSupported(f"{request.method} {_pattern(request.path)}") from None
            raise method_not_allowed(request.method, sorted(error.valid_methods or [])) from None
        except RequestRedirect:
            raise not_found() from None
        except HTTPException:
            raise self._unknown(request) from None
        if endpoint != "versions":
            call.version = negotiate(request.headers.get("Accept", ""), self._profile, json=_newer(request))
        if endpoint not in _OPEN:
            call.login = self._required(call)
        response: Response = getattr(self._resources, f"on_{endpoint}")(call, **arguments)
        return response

    def _complain(self, what: str) -> None:
        self._journal.record("fault", server=self._name, what=what)

    def _required(self, call: Call) -> Login:
        try:
            login, call.presented = self._who(call.request)
        except Expired:
            if self._profile.count("expired_session") == 403:
                raise ApiError(403, "ACCESS_TO_RESOURCE_IS_FORBIDDEN", "The session has expired.") from None
            raise unauthorized(self._profile) from None
        if login is None:
            raise unauthorized(self._profile)
        return login

    def _authorized(self, request: Request) -> bool:
        try:
            return self._who(request)[0] is not None
        except Expired:
            return False

    def _stale(self, request: Request) -> bool:
        """Tell whether a request shows a token that opens nothing."""
        headers = request.headers
        shown = "Authorization" in headers or "X-VCLOUD-AUTHORIZATION" in headers or "vcloud-token" in request.cookies
        return shown and not self._authorized(request)

    def _who(self, request: Request) -> tuple[Login | None, str | None]:
        """Return who asks, and the session token where that is what they showed."""
        scheme, _, access = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            return self._logins.find(access.strip(), bearer=True), None
        token = request.headers.get("X-VCLOUD-AUTHORIZATION") or request.cookies.get("vcloud-token")
        return (self._logins.find(token, bearer=False), token) if token else (None, None)

    def _unknown(self, request: Request) -> ApiError:
        first = request.path.removeprefix("/api/").partition("/")[0]
        if first in _REAL or _newer(request):
            return NotSupported(f"{request.method} {_pattern(request.path)}")
        return not_found()

    def _error(self, call: Call, error: ApiError) -> Response:
        call.version = call.version or str(self._profile.list("offered")[-1])
        if not error.has_body:
            response = Response(b"", status=error.status)
            del response.headers["Content-Type"]
        elif _newer(call.request):
            text = {"minorErrorCode": error.minor, "message": error.message, "stackTrace": None}
            response = self._resources.json(call, json.dumps(text).encode())
            response.status_code = error.status
        else:
            response = self._resources.typed(call, error.document(), f"{TYPE}error+xml", error.status)
        for name, value in error.headers:
            response.headers[name] = value
        return response

    def _count_gap(self, request: Request, error: NotSupported) -> None:
        what = f"{request.method} {_pattern(request.path)}"
        if what in self.gaps or len(self.gaps) < MOST_GAPS:
            self.gaps[what] = self.gaps.get(what, 0) + 1
        self._journal.record("fault", server=self._name, what="not implemented", request=what, message=error.message)


def _newer(request: Request) -> bool:
    """Tell whether a request goes to the API that speaks JSON."""
    return request.path.startswith("/cloudapi/")


def _pattern(path: str) -> str:
    """Return a path with its ids left out, so that gaps can be counted, and as text that XML can hold."""
    shown = "".join(character if character.isprintable() else "?" for character in path[:_SHOWN])
    parts = ["ID" if sum(character.isdigit() for character in part) > 3 else part for part in shown.split("/")]
    return "/".join(parts)
