"""The two-hop export without HTTP: tasks, transfer sessions, the transfer directory, the reaper, the ledger."""

from ._catalogue import Catalog, Catalogue, CatalogueError, Entity, Kind, Org, Vdc, VmRef, default_catalogue
from ._downloads import Download, FileGone, LinkDead
from ._engine import Condition, Engine, WrongState
from ._exports import Exports, ExportStep
from ._ledger import Leg, Passage, totals
from ._package import DEFAULT, IDENTITY, MANIFEST
from ._presence import checked_name
from ._rows import LoginRow, digest_of
from ._session import Refusal, SessionInput, SessionState, TransferSession
from ._source import Power, PulledMachine, Source, StoredFile
from ._spool import Spool, SpoolError
from ._status import QUERY_NAMES, Status, number_of
from ._store import Store, StoreError
from ._task import TaskInput, TaskState, TaskValue
from ._tasks import KEPT_S, TaskView
from ._transfers import Linked

__all__ = [
    "DEFAULT", "IDENTITY", "KEPT_S", "MANIFEST", "QUERY_NAMES", "Catalog", "Catalogue", "CatalogueError",
    "Condition", "Download", "Engine", "Entity", "ExportStep", "Exports", "FileGone", "Kind", "Leg", "LinkDead",
    "Linked", "LoginRow", "Org", "Passage", "Power", "PulledMachine", "Refusal", "SessionInput", "SessionState",
    "Source", "Spool", "SpoolError", "Status", "Store", "StoreError", "StoredFile", "TaskInput", "TaskState",
    "TaskValue", "TaskView", "TransferSession", "Vdc", "VmRef", "WrongState", "checked_name", "default_catalogue",
    "digest_of", "number_of", "totals",
]  # fmt: skip
