"""The worlds of one process, for the control plane."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable, Mapping
from typing import Any

from twohop.runtime.certificates import Authority
from twohop.runtime.control import UnknownWorld

from ._servers import WorldOptions, WorldServers

DEFAULT = "default"
_NAME = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")
MOST = 64
"""Worlds of one process: each has ports and threads of its own."""


class Worlds:
    """Keeps worlds by name. All share the authority of the run, so that one CA file verifies every server."""

    def __init__(self) -> None:
        self.authority = Authority()
        self._lock = threading.RLock()
        self._worlds: dict[str, WorldServers] = {}

    def names(self) -> Iterable[str]:
        """Return the names of all worlds."""
        with self._lock:
            return list(self._worlds)

    def world(self, name: str) -> WorldServers:
        """Return a world; UnknownWorld where there is none of that name."""
        with self._lock:
            try:
                return self._worlds[name]
            except KeyError:
                raise UnknownWorld(name) from None

    def create(self, name: str, options: Mapping[str, Any]) -> WorldServers:
        """Make and start a world from JSON options; ValueError says what is wrong with them."""
        return self.add(name, WorldOptions.read(options))

    def add(self, name: str, options: WorldOptions) -> WorldServers:
        """Make and start a world."""
        if not _NAME.match(name):
            raise ValueError(f"a world is named by letters, digits, '.', '_' and '-', 64 at most; got {name!r}")
        with self._lock:
            if name in self._worlds:
                raise ValueError(f"there is a world {name!r} already; remove it first, or reset it")
            if len(self._worlds) >= MOST:
                raise ValueError(f"a process keeps {MOST} worlds at most; remove one first")
            world = WorldServers(name, options, authority=self.authority)
            world.start()
            self._worlds[name] = world
            return world

    def remove(self, name: str) -> None:
        """Stop and forget a world."""
        if name == DEFAULT:
            raise ValueError(f"the world {DEFAULT!r} stays for as long as the process; reset it instead")
        with self._lock:
            world = self.world(name)
            del self._worlds[name]
        world.stop()

    def stop(self) -> None:
        """Stop every world."""
        with self._lock:
            worlds = list(self._worlds.values())
            self._worlds.clear()
        for world in worlds:
            world.stop()
