"""Managed objects, one file each. Importing this package declares them all."""

from __future__ import annotations

from . import (
    _authorization_manager,
    _container_view,
    _event_manager,
    _export,
    _history_collector,
    _host,
    _inventory,
    _lease,
    _license_manager,
    _list_view,
    _locked,
    _manifest,
    _ovf_manager,
    _property_collector,
    _search_index,
    _service_instance,
    _session_manager,
    _storage,
    _task,
    _virtual_machine,
)
from ._service_instance import declare_managers

__all__ = [
    "_authorization_manager",
    "_container_view",
    "_event_manager",
    "_export",
    "_history_collector",
    "_host",
    "_inventory",
    "_lease",
    "_license_manager",
    "_list_view",
    "_locked",
    "_manifest",
    "_ovf_manager",
    "_property_collector",
    "_search_index",
    "_service_instance",
    "_session_manager",
    "_storage",
    "_task",
    "_virtual_machine",
    "declare_managers",
]
