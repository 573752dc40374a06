"""PropertyCollector: retrieval, pages, and the waits of `_updates`."""

from __future__ import annotations

import secrets
from typing import Any

from .. import _faults as faults
from .._kinds import Kind
from .._reply import Retrieved
from .._select import Read, read, select
from .._service import Call, Singleton
from .._sessions import uuid52
from .._updates import Collector, Filter

PROPERTY_COLLECTOR = Kind("PropertyCollector", of=Collector)
PROPERTY_FILTER = Kind("PropertyFilter", of=Filter)


def collector_of(call: Call, this: Singleton | Collector) -> Collector:
    """Return the collector meant: the default one of the session, or one that the client has made."""
    if isinstance(this, Collector):
        return this
    assert call.session is not None
    collector = call.session.objects.get(this.moid)
    if collector is None:
        collector = call.session.objects[this.moid] = Collector(this.moid, call.service)
    assert isinstance(collector, Collector)
    return collector


def _retrieve(call: Call, specs: list[Any]) -> list[Read]:
    return [read(call, selected) for spec in specs for selected in select(call, spec, _forgiven(spec))]


def _forgiven(spec: Any) -> list[Any] | None:
    """Return where missing objects are put, where a spec wants them reported: retrieval leaves them out."""
    return [] if spec.reportMissingObjectsInResults else None


def _page(call: Call, objects: list[Read], limit: int | None) -> Retrieved | None:
    if not objects:
        return None
    if not limit or len(objects) <= limit:
        return Retrieved(objects)
    if call.session is None:
        raise faults.not_authenticated(call.ref(call.service.the("PropertyCollector")))
    token = secrets.token_hex(8)
    call.session.pages[token] = (objects[limit:], limit)
    return Retrieved(objects[:limit], token)


@PROPERTY_COLLECTOR.method("RetrieveProperties")
def _retrieve_properties(call: Call, this: Any, specSet: list[Any]) -> Any:
    with call.world.lock:
        return Retrieved(_retrieve(call, specSet), wrapped=False)


@PROPERTY_COLLECTOR.method("RetrievePropertiesEx")
def _retrieve_properties_ex(call: Call, this: Any, specSet: list[Any], options: Any) -> Any:
    limit = options.maxObjects if options is not None else None
    if limit is not None and limit <= 0:
        raise faults.invalid_argument("maxObjects")
    with call.world.lock:
        return _page(call, _retrieve(call, specSet), limit)


@PROPERTY_COLLECTOR.method("ContinueRetrievePropertiesEx")
def _continue(call: Call, this: Any, token: str) -> Any:
    assert call.session is not None
    page = call.session.pages.pop(token, None)
    if page is None:
        raise faults.invalid_argument("token")
    return _page(call, *page)


@PROPERTY_COLLECTOR.method("CancelRetrievePropertiesEx")
def _cancel_retrieve(call: Call, this: Any, token: str) -> None:
    assert call.session is not None
    if call.session.pages.pop(token, None) is None:
        raise faults.invalid_argument("token")


@PROPERTY_COLLECTOR.method("CreatePropertyCollector")
def _create_collector(call: Call, this: Any) -> Any:
    assert call.session is not None
    moid = f"session[{call.session.scope}]{uuid52()}"
    collector = call.session.objects[moid] = Collector(moid, call.service)
    return call.ref(collector)


@PROPERTY_COLLECTOR.method("DestroyPropertyCollector")
def _destroy_collector(call: Call, this: Any) -> None:
    assert call.session is not None
    if not isinstance(this, Collector):
        raise faults.invalid_argument("_this", "The default collector of a session cannot be destroyed.")
    call.session.objects.pop(this.moid, None)
    for held in this.filters:
        call.session.objects.pop(held.moid, None)
    this.close()


@PROPERTY_COLLECTOR.method("CreateFilter")
def _create_filter(call: Call, this: Any, spec: Any, partialUpdates: bool) -> Any:
    assert call.session is not None
    with call.world.lock:
        for selected in select(call, spec, _forgiven(spec)):
            # A path that leads nowhere is refused now, not when somebody waits.
            read(call, selected)
        call.seen.clear()
        moid = f"session[{call.session.scope}]{uuid52()}"
        held = Filter(moid, collector_of(call, this), spec, partialUpdates)
        held.collector.add(held)
        call.session.objects[moid] = held
    return call.ref(held)


@PROPERTY_FILTER.method("DestroyPropertyFilter")
def _destroy_filter(call: Call, this: Filter) -> None:
    assert call.session is not None
    this.collector.remove(this)
    call.session.objects.pop(this.moid, None)


@PROPERTY_COLLECTOR.method("WaitForUpdatesEx")
def _wait_ex(call: Call, this: Any, version: str | None, options: Any) -> Any:
    longest = options.maxWaitSeconds if options is not None else None
    most = options.maxObjectUpdates if options is not None else None
    if longest is not None and longest < 0:
        raise faults.invalid_argument("maxWaitSeconds")
    if most is not None and most <= 0:
        raise faults.invalid_argument("maxObjectUpdates")
    return collector_of(call, this).wait(call, version or "", longest, most)


@PROPERTY_COLLECTOR.method("WaitForUpdates")
def _wait(call: Call, this: Any, version: str | None) -> Any:
    return collector_of(call, this).wait(call, version or "", None, None)


@PROPERTY_COLLECTOR.method("CheckForUpdates")
def _check(call: Call, this: Any, version: str | None) -> Any:
    return collector_of(call, this).wait(call, version or "", 0, None)


@PROPERTY_COLLECTOR.method("CancelWaitForUpdates")
def _cancel_wait(call: Call, this: Any) -> None:
    collector_of(call, this).cancel()


@PROPERTY_COLLECTOR.provides("filter")
def _filters(call: Call, this: Any) -> list[Any]:
    return call.refs(collector_of(call, this).filters)


@PROPERTY_FILTER.provides("spec")
def _spec(call: Call, this: Filter) -> Any:
    return this.spec


@PROPERTY_FILTER.provides("partialUpdates")
def _partial(call: Call, this: Filter) -> bool:
    return this.partial
