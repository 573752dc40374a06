"""What happened at a cell's API."""

from __future__ import annotations

from dataclasses import dataclass

from ._event import Event


@dataclass(frozen=True, slots=True)
class SessionOpened(Event):
    """A login to the cell."""

    status: int | None


@dataclass(frozen=True, slots=True)
class SessionClosed(Event):
    """A logout from the cell."""

    status: int | None


@dataclass(frozen=True, slots=True)
class DownloadEnabled(Event):
    """POST action/enableDownload on an entity; `task` is the path of the task that came back."""

    entity: str
    status: int | None
    task: str | None


@dataclass(frozen=True, slots=True)
class DownloadDisabled(Event):
    """POST action/disableDownload on an entity."""

    entity: str
    status: int | None


@dataclass(frozen=True, slots=True)
class CellTaskSeen(Event):
    """The status of a task of the cell, by the path of its href."""

    task: str
    status: str


@dataclass(frozen=True, slots=True)
class LinksSeen(Event):
    """The links of an entity at one look: pairs of rel and path of the href, those of its files among them.

    `files` are the sizes of files by the paths of their links, None where the entity does not say.
    """

    entity: str
    links: tuple[tuple[str, str], ...]
    files: tuple[tuple[str, int | None], ...] = ()

    def downloads(self) -> tuple[tuple[str, str], ...]:
        """Return the links under which the entity can be downloaded (vcd 3.4, 3.5)."""
        return tuple(link for link in self.links if link[0].startswith("download:"))
