"""The two-hop export without HTTP: tasks, transfer sessions, the transfer directory, the reaper, the ledger."""

from ._catalogue import (
    ROLES,
    Catalog,
    Catalogue,
    CatalogueError,
    Entity,
    Image,
    Kind,
    Org,
    Vdc,
    VmRef,
    default_catalogue,
)
from ._causes import cause
from ._downloads import BuildFailed, Download, FileGone, LinkDead
from ._engine import Busy, Condition, Engine, WrongState
from ._ledger import Leg, Passage, moment, totals
from ._ova import OVA_DEFAULT, OVA_IDENTITY
from ._package import DEFAULT, IDENTITY, MANIFEST, medium_name
from ._presence import checked_name
from ._rows import LoginRow, digest_of
from ._session import Refusal, SessionInput, SessionState, TransferSession
from ._source import OnLost, Power, PulledMachine, Source, StoredFile
from ._spool import Spool, SpoolError
from ._status import QUERY_NAMES, Status, number_of
from ._steps import EXPORT, OnStep, Step, step_named
from ._store import Store, StoreError
from ._task import TaskInput, TaskState, TaskValue
from ._tasks import KEPT_S, TaskView
from ._transfers import Linked

__all__ = [
    "DEFAULT",
    "EXPORT",
    "IDENTITY",
    "KEPT_S",
    "MANIFEST",
    "OVA_DEFAULT",
    "OVA_IDENTITY",
    "QUERY_NAMES",
    "ROLES",
    "BuildFailed",
    "Busy",
    "Catalog",
    "Catalogue",
    "CatalogueError",
    "Condition",
    "Download",
    "Engine",
    "Entity",
    "FileGone",
    "Image",
    "Kind",
    "Leg",
    "LinkDead",
    "Linked",
    "LoginRow",
    "OnLost",
    "OnStep",
    "Org",
    "Passage",
    "Power",
    "PulledMachine",
    "Refusal",
    "SessionInput",
    "SessionState",
    "Source",
    "Spool",
    "SpoolError",
    "Status",
    "Step",
    "Store",
    "StoreError",
    "StoredFile",
    "TaskInput",
    "TaskState",
    "TaskValue",
    "TaskView",
    "TransferSession",
    "Vdc",
    "VmRef",
    "WrongState",
    "cause",
    "checked_name",
    "default_catalogue",
    "digest_of",
    "medium_name",
    "moment",
    "number_of",
    "step_named",
    "totals",
]  # fmt: skip
