"""The vCenter's HTTP face: POST /sdk and the list of API versions."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, ExitStack
from typing import TYPE_CHECKING, Any

from werkzeug.datastructures import Accept
from werkzeug.http import parse_accept_header

from ..world import look
from . import _faults as faults
from ._answers import Answer
from ._planned import LIMIT, invoke_planned
from ._registry import NAMESPACE, identity_of, newest_known, older, prior_versions, version_for, vmodl
from ._reply import client_fault, serialize_fault, serialize_result
from ._request import BadRequest, Invocation, parse_request
from ._service import Call, Service
from ._sessions import COOKIE, cookie_of
from ._templates import Templates
from ._wsdl import DOCUMENTS, document

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

_PIECE = 1 << 16
_ENDPOINTS = ("/sdk", "/sdk/vimService")
"""Where the service is called: the second one is the address in its WSDL."""


class VimApp:
    """Serves the vSphere API of a `Service` over SOAP; `keep` says whether answers are kept for those who ask again."""

    def __init__(self, service: Service, *, keep: bool = True) -> None:
        self.service = service
        self._keep = keep
        self._ordered = service.world.profile.text("argument_order") == "checked"
        self._templates = Templates(ordered=self._ordered)
        self._api = newest_known(service.world.profile.text("api_version"))

    def __call__(self, environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        path, method = environ["PATH_INFO"].rstrip("/"), environ["REQUEST_METHOD"]
        if path in _ENDPOINTS and method == "POST":
            return self._soap(environ, start)
        if path == "/sdk/vimServiceVersions.xml" and method in ("GET", "HEAD"):
            body = _versions(self._api)
            start("200 OK", [*_VERSIONS_HEADERS[older(self._api, "6.5")], ("Content-Length", str(len(body)))])
            return [body]
        if method in ("GET", "HEAD") and path.removeprefix("/sdk/") in DOCUMENTS:
            body = document(path.removeprefix("/sdk/"), version_for("", self._api))
            start("200 OK", [("Content-Type", "text/xml"), ("Content-Length", str(len(body)))])
            return (body[n : n + _PIECE] for n in range(0, len(body), _PIECE))
        start("405 Method Not Allowed" if path == "/sdk" else "404 Not Found", [("Content-Length", "0")])
        return [b""]

    def prompt(self, environ: Mapping[str, Any], body: bytes) -> AbstractContextManager[object] | None:
        """Return the world's lock, taken, where a POST is a small read and nobody has to be waited for; else None."""
        world = self.service.world
        if not self._keep or environ["PATH_INFO"] not in _ENDPOINTS or not self._templates.prompt(body):
            return None
        if not world.clock.quiet() or not world.lock.acquire(blocking=False):
            return None
        taken = ExitStack()
        taken.callback(world.lock.release)
        return taken

    def _soap(self, environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        body = _body(environ)
        headers = [("Content-Type", "text/xml; charset=utf-8"), ("Cache-Control", "no-cache")]
        if body is None:
            start("413 Request Entity Too Large", [("Content-Length", "0"), ("Connection", "close")])
            return [b""]
        action = environ.get("HTTP_SOAPACTION", "")
        # yavijava's first call bears an empty SOAPAction, and a real vCenter 6.0 answers it in its oldest API: a field
        # of a newer one would end that client.
        unnamed = "HTTP_SOAPACTION" in environ and not action.strip('" ')
        version = version_for(prior_versions(self._api)[-1] if unnamed else action, self._api)
        cookie = cookie_of(environ.get("HTTP_COOKIE", ""))
        call = Call(
            self.service,
            self.service.sessions.find(cookie),
            version,
            environ.get("REMOTE_ADDR", ""),
            environ.get("HTTP_USER_AGENT", ""),
            cookie,
            prompt="twohop.prompt" in environ,
        )
        profile = self.service.world.profile
        if profile.text("cookie_from") == "first-reply" and not self.service.sessions.issued(cookie):
            call.cookie = call.set_cookie = self.service.sessions.new_cookie()
        status, answer = self._kept(call, body) or self._answer(call, body, action)
        if answer.at is not None and call.set_cookie is None:
            environ["twohop.again"] = self._again(call, answer)
        if call.set_cookie is not None:
            headers.append(("Set-Cookie", f'{COOKIE}="{call.set_cookie}"; {_attributes(profile.text("cookie_form"))}'))
        if profile.flag("applied_soapaction"):
            headers.append(("X-Applied-Soapaction", f"{NAMESPACE}/{identity_of(version)}"))
        return self._framed(answer, environ, headers, lambda: start(status, headers))

    def _framed(
        self, answer: Answer, environ: WSGIEnvironment, headers: list[tuple[str, str]], begin: Callable[[], object]
    ) -> Iterable[bytes]:
        """Compress and frame an answer as the version does (10.6)."""
        profile, content = self.service.world.profile, answer.plain
        if profile.flag("soap_gzip"):
            headers.append(("Vary", "Accept-Encoding"))
            if parse_accept_header(environ.get("HTTP_ACCEPT_ENCODING"), Accept)["gzip"] > 0:
                headers.append(("Content-Encoding", "gzip"))
                content = answer.packed
        chunked = profile.text("soap_framing") == "chunked"
        if not chunked:
            headers.append(("Content-Length", str(len(content))))
        begin()
        # Of what is no list nobody knows the length beforehand.
        return iter((content,)) if chunked else [content]

    def _kept(self, call: Call, body: bytes) -> tuple[str, Answer] | None:
        call.catch_up()
        kept = self.service.answers.find(call, body) if self._keep and not self.service.faults.rules else None
        if kept is None:
            return None
        self.service.calls[kept.method] += 1
        return "200 OK", kept

    def _parse(self, body: bytes) -> Invocation:
        return self._templates.parse(body) if self._keep else parse_request(body, ordered=self._ordered)

    def _again(self, call: Call, answer: Answer) -> Callable[[], bool]:
        """Return what tells whether the same request has the same answer again, and takes note of the call."""
        service, session = self.service, call.session
        sessions, clock, access = service.sessions, service.world.clock, service.access
        ours = service.world.profile.text("cookie_from") == "first-reply"

        def again() -> bool:
            assert session is not None
            if (
                service.faults.rules
                or answer.at != service.answers.now()
                or clock.due()
                or not access.unlimited(session.user)
            ):
                return False
            if (ours and not sessions.issued(session.cookie)) or not sessions.again(session):
                return False
            service.calls[answer.method] += 1
            return True

        return again

    def _answer(self, call: Call, body: bytes, action: str) -> tuple[str, Answer]:
        failed = "500 Internal Server Error"
        try:
            before = self.service.answers.now()
            request = self._parse(body)
            call.catch_up()
            method, planned = request.method, bool(self.service.faults.rules)
            if planned:
                method, value = invoke_planned(call, request)
            else:
                value = self.service.invoke(call, request)
            with self.service.world.lock:
                answer = Answer(method.wsdlName, serialize_result(method, value, call.version))
            look(self.service.world, call.seen)
            if not planned:
                self.service.answers.keep(call, body, request, value, before, answer)
            return "200 OK", answer
        except BadRequest as error:
            if error.foreign and self._unsupported(action):
                return failed, Answer("", client_fault(f"Unsupported version URI {action.strip(chr(34))}"))
            return failed, Answer("", serialize_fault(error.fault, call.version))
        except vmodl.MethodFault as fault:
            return failed, Answer("", serialize_fault(fault, call.version))
        except Exception as error:
            # A page of HTML would crash clients, which parse every 500 as SOAP; the journal keeps what went wrong.
            reference = hashlib.sha256(repr(error).encode()).hexdigest()[:8]
            reason = f"twohop's own error {type(error).__name__} ({reference}): {error}"
            self.service.world.journal.record("fault", server=self.service.world.product.name, error=reason)
            return failed, Answer("", serialize_fault(faults.system_error(reason), call.version))

    def _unsupported(self, action: str) -> bool:
        # Of a call in another namespace than vim25, vCenter 4.1 reads the SOAPAction as the version; it takes any
        # SOAPAction on a call in vim25 (10.4, and the second exchange of that recording).
        oldest = self.service.world.profile.version == "4.1"
        return oldest and action.strip('" ') != "" and NAMESPACE not in action


def _body(environ: WSGIEnvironment) -> bytes | None:
    """Return a request's body; None where it is too long, and then not more of it is read than tells so."""
    if int(environ.get("CONTENT_LENGTH") or 0) > LIMIT:
        return None
    body, source = bytearray(), environ["wsgi.input"]
    while piece := source.read(_PIECE):
        body += piece
        if len(body) > LIMIT:
            return None
    return bytes(body)


def _attributes(form: str) -> str:
    # The server of the upper-case ids sets no more than the path (10.1).
    return "Path=/;" if form == "UUID" else "Path=/; HttpOnly; Secure;"


_VERSIONS_HEADERS = {
    True: [("Content-Type", "text/xml")],
    False: [("Content-Type", "text/xml; charset=utf-8"), ("Cache-Control", "no-cache")],
}
"""Headers of the list of versions, by whether it is a file, as it was before 6.5."""


def _versions(api: str) -> bytes:
    prior = "".join(f"<version>{v}</version>" for v in prior_versions(api))
    # Servers before 6.5 still tell of the API before 2.5.
    first = "<namespace><name>urn:vim2</name><version>2.0</version></namespace>" if older(api, "6.5") else ""
    return (
        '<?xml version="1.0" encoding="UTF-8" ?><namespaces version="1.0"><namespace>'
        f"<name>{NAMESPACE}</name><version>{api}</version><priorVersions>{prior}</priorVersions>"
        f"</namespace>{first}</namespaces>\n"
    ).encode()
