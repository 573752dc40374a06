"""From exchanges with a cell's API to events of sessions, tasks, links and the enabling of downloads."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from twohop.runtime.observing import Exchange

from ._events import (
    CellTaskSeen,
    DownloadDisabled,
    DownloadEnabled,
    Event,
    LinksSeen,
    SessionClosed,
    SessionOpened,
)
from ._xml import Element, child, children, name, parse, whole_number

_SESSIONS = re.compile(r"/(?:api|cloudapi/[\d.]+)/sessions(?:/provider)?/?$")
_SESSION = re.compile(r"/api/session/?$|/cloudapi/[\d.]+/sessions/current/?$")
_ACTION = re.compile(r"(?P<entity>/api/.+)/action/(?P<action>enableDownload|disableDownload)/?$")


def vcloud_events(exchange: Exchange) -> Iterator[Event]:
    """Yield what an exchange with the cell's API shows."""
    method, path = exchange.request.method, urlsplit(exchange.request.url).path
    status = exchange.response.status if exchange.response else None
    root = parse(exchange.response.body) if exchange.response else None
    if method == "POST" and _SESSIONS.search(path):
        yield SessionOpened(exchange, status)
        return
    if method == "DELETE" and _SESSION.search(path):
        yield SessionClosed(exchange, status)
        return
    action = _ACTION.search(path) if method == "POST" else None
    if action and action["action"] == "enableDownload":
        task = root.get("href") if root is not None and name(root) == "Task" else None
        yield DownloadEnabled(exchange, action["entity"], status, _path(task) if task else None)
    elif action:
        yield DownloadDisabled(exchange, action["entity"], status)
    if root is None:
        return
    for task_element in _tasks(root):
        href, state = task_element.get("href"), task_element.get("status")
        if href and state:
            yield CellTaskSeen(exchange, _path(href), state)
    if method == "GET" and status == 200 and name(root) in ("VApp", "VAppTemplate", "Media"):
        yield LinksSeen(exchange, path, tuple(_links(root)), tuple(_files(root)))


def _links(root: Element) -> Iterator[tuple[str, str]]:
    """Give an entity's links; a medium's download is a link of its file (3.16)."""
    for holder in (root, *children(child(root, "Files"), "File")):
        for link in children(holder, "Link"):
            yield link.get("rel") or "", _path(link.get("href") or "")


def _files(root: Element) -> Iterator[tuple[str, int | None]]:
    for file in children(child(root, "Files"), "File"):
        for link in children(file, "Link"):
            yield _path(link.get("href") or ""), whole_number(file.get("size"))


def _tasks(root: Element) -> Iterator[Element]:
    if name(root) == "Task":
        yield root
    else:
        yield from children(child(root, "Tasks"), "Task")


def _path(href: str) -> str:
    return urlsplit(href).path
