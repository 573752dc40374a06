"""What each resource of the API answers."""

from __future__ import annotations

import uuid
from collections.abc import Callable

from lxml import etree
from werkzeug.wrappers import Request, Response

from twohop.runtime.profiles import Profile

from ..engine import Busy, Engine, Entity, WrongState
from ._bodies import Bodies
from ._entities import entity_body, task_body
from ._errors import ApiError, NotSupported, bad_request, lacks_right, no_access
from ._logins import Login, Logins, Tokens
from ._media import media_body
from ._negotiation import number
from ._query import Query
from ._rights import missing_right
from ._xml import TYPE, document

_CHALLENGE = {
    "BASIC": 'BASIC realm="vCloud"',
    "Basic+SIGN+Bearer": 'Basic realm="vCloud", SIGN realm="vCloud", Bearer realm="vCloud"',
}

IDENTITY_SINCE = (5, 1)
"""The version of the API from which on a download has a descriptor with identity (3.4)."""
OVA_SINCE = (30, 0)
"""The version of the API from which on a download has OVAs (3.5)."""


class Call:
    """One request on its way: its id, the version it asks for, who asks, and the tokens it showed or is given."""

    def __init__(self, request: Request) -> None:
        self.request, self.id = request, str(uuid.uuid4())
        self.version = ""
        self.login: Login | None = None
        self.tokens: Tokens | None = None
        self.presented: str | None = None

    @property
    def user(self) -> Login:
        """Who asks; only where a session is needed."""
        assert self.login is not None
        return self.login


class Resources:
    """Answers calls that have been routed; `on_NAME` for each endpoint of the map."""

    def __init__(self, engine: Engine, logins: Logins, profile: Profile, base: Callable[[], str]) -> None:
        self._engine, self._logins, self._profile, self._base = engine, logins, profile, base

    # -- no session needed

    def on_versions(self, call: Call) -> Response:
        return self._xml(call, self._bodies().versions(), "text/xml")

    def on_login(self, call: Call) -> Response:
        if number(call.version) >= (38, 0):
            raise ApiError(
                self._profile.count("removed_login_status"), "RESOURCE_NOT_FOUND",
                "This login is not part of this API version; log in at /cloudapi/1.0.0/sessions.",
            )  # fmt: skip
        login = self._log_in(call)
        return self._xml(call, self._bodies().session(login, call.version), f"{TYPE}session+xml")

    def on_cloudapi_login(self, call: Call) -> Response:
        if number(call.version) < (33, 0):
            raise NotSupported("the cloudapi login before API version 33.0")
        login = self._log_in(call)
        return self.json(call, self._bodies().cloudapi_session(login))

    def on_provider_login(self, call: Call) -> Response:
        # Nobody here belongs to the System organisation.
        raise unauthorized(self._profile)

    def _log_in(self, call: Call) -> Login:
        entered = self._logins.log_in(call.request.headers.get("Authorization", ""))
        if entered is None:
            raise unauthorized(self._profile)
        login, call.tokens = entered
        return login

    # -- a session needed

    def on_session(self, call: Call) -> Response:
        return self._xml(call, self._bodies().session(call.user, call.version), f"{TYPE}session+xml")

    def on_cloudapi_session(self, call: Call) -> Response:
        return self.json(call, self._bodies().cloudapi_session(call.user))

    def on_logout(self, call: Call) -> Response:
        self._logins.log_out(call.user)
        call.presented = None
        return self._nothing(call)

    def on_org_list(self, call: Call) -> Response:
        return self._xml(call, self._bodies().org_list(call.user.org), f"{TYPE}orgList+xml")

    def on_org(self, call: Call, id: str) -> Response:
        if id != call.user.org.id:
            raise no_access("org", id)
        return self._xml(call, self._bodies().org(call.user.org, call.version), f"{TYPE}org+xml")

    def on_vdc(self, call: Call, id: str) -> Response:
        vdc = self._engine.catalogue.vdcs.get(id)
        if vdc is None or vdc.org_id != call.user.org.id:
            raise no_access("vdc", id)
        return self._xml(call, self._bodies().vdc(vdc), f"{TYPE}vdc+xml")

    def on_catalog(self, call: Call, id: str) -> Response:
        catalog = self._engine.catalogue.catalogs.get(id)
        if catalog is None or catalog.org_id != call.user.org.id:
            raise no_access("catalog", id)
        return self._xml(call, self._bodies().catalog(catalog), f"{TYPE}catalog+xml")

    def on_item(self, call: Call, id: str) -> Response:
        template = self._engine.catalogue.item(id, call.user.org.id)
        if template is None:
            raise no_access("catalogItem", id)
        return self._xml(call, self._bodies().item(template), f"{TYPE}catalogItem+xml")

    def on_query(self, call: Call) -> Response:
        query = Query(self._bodies(), self._engine, call.user.org)
        if not call.request.args:
            return self._xml(call, query.list(), f"{TYPE}query.queryList+xml")
        found = query.run(call.request.args.to_dict(), number(call.version))
        return self._xml(call, found, str(found.get("type")))

    def on_entity(self, call: Call, kind: str, id: str) -> Response:
        entity = self._entity(call, kind, id)
        tasks = self._engine.tasks_of(entity)
        linked, offered = self._engine.shown_link(entity, tasks), self._offered(call, entity, bool(tasks))
        if kind == "media":
            body = media_body(
                self._bodies(), self._profile, entity, self._engine.size_of(entity), linked, tasks, offered
            )
            return self._xml(call, body, f"{TYPE}media+xml")
        condition = self._engine.condition(entity)
        ova_type = self._profile.text("ova_link_type") if number(call.version) >= OVA_SINCE else None
        identity = number(call.version) >= IDENTITY_SINCE
        body = entity_body(
            self._bodies(), entity, condition, linked, tasks, self._engine.since, ova_type, identity, offered
        )
        return self._xml(call, body, f"{TYPE}{kind}+xml")

    def on_enable(self, call: Call, kind: str, id: str) -> Response:
        entity = self._entity(call, kind, id)
        right = missing_right(self._profile, call.user.role, entity)
        if right is not None:
            raise lacks_right(call.id, right, entity.id)
        try:
            task = self._engine.enable(entity, call.user.user)
        except WrongState as error:
            raise bad_request(str(error)) from None
        except Busy as error:
            raise ApiError(400, "BUSY_ENTITY", str(error)) from None
        body = task_body(self._bodies(), task, entity)
        response = self._xml(call, body, f"{TYPE}task+xml", 202)
        response.headers["Location"] = str(body.get("href"))
        return response

    def on_disable(self, call: Call, kind: str, id: str) -> Response:
        entity = self._entity(call, kind, id)
        right = missing_right(self._profile, call.user.role, entity)
        if right is not None:
            raise lacks_right(call.id, right, entity.id)
        try:
            self._engine.disable(entity)
        except Busy as error:
            raise ApiError(400, "BUSY_ENTITY", str(error)) from None
        return self._nothing(call)

    def on_task(self, call: Call, id: str) -> Response:
        task = self._engine.shown_task(id)
        if task is None or task.org_id != call.user.org.id:
            raise no_access("task", id)
        owner = self._engine.catalogue.entities.get(task.entity_id)
        return self._xml(call, task_body(self._bodies(), task, owner), f"{TYPE}task+xml")

    def on_cancel(self, call: Call, id: str) -> Response:
        task = self._engine.task(id)
        if task is None or task.org_id != call.user.org.id:
            raise no_access("task", id)
        if not self._engine.cancel(id):
            raise bad_request(f"The task {id} has ended and cannot be cancelled.")
        return self._nothing(call)

    # -- what they share

    def _offered(self, call: Call, entity: Entity, busy: bool) -> bool:
        """Tell whether somebody is shown the links that enable and disable an entity's download (2.11b)."""
        if busy and self._profile.text("links_while_busy") == "hidden":
            return False
        hides = self._profile.text("missing_right") == "link-hidden"
        return not hides or missing_right(self._profile, call.user.role, entity) is None

    def _entity(self, call: Call, kind: str, id: str) -> Entity:
        found = self._engine.catalogue.entities.get(id)
        if found is None or found.kind != kind or found.org_id != call.user.org.id:
            raise no_access(kind, id)
        return found

    def _bodies(self) -> Bodies:
        return Bodies(self._base(), self._profile, self._engine.catalogue, self._engine.since)

    def _xml(self, call: Call, root: etree._Element, type_: str, status: int = 200) -> Response:
        return self.typed(call, document(root), type_, status)

    def json(self, call: Call, data: bytes) -> Response:
        return self.typed(call, data, "application/json", 200)

    def _nothing(self, call: Call) -> Response:
        return self.typed(call, b"", "application/*+xml", 204)

    def typed(self, call: Call, data: bytes, type_: str, status: int) -> Response:
        if self._profile.text("mime_case") == "lower":
            type_ = type_.lower()
        full = f"{type_};version={call.version}" if call.version else type_
        return Response(data, status=status, headers={"Content-Type": full})


def unauthorized(profile: Profile) -> ApiError:
    """Return the error of a missing, wrong or expired login (1.4)."""
    challenge = _CHALLENGE[profile.text("www_authenticate")]
    return ApiError(401, "UNAUTHORIZED", "", headers=(("WWW-Authenticate", challenge),), body=False)
