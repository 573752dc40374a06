"""What went wrong, in one line for the task that a client reads: the share, the database, vCenter or a host."""

from __future__ import annotations

from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from twohop.exporter._errors import ExportError


def cause(error: BaseException) -> str:
    """Return one line that names who has the trouble and what it is."""
    if isinstance(error, ExportError):
        share = "the transfer share: " if error.whose == "target" else ""
        return f"{share}{_line(error)}"
    if isinstance(error, OSError):
        return f"the transfer share: {error.strerror or _line(error)}; check its space, permissions and mount"
    if isinstance(error, SQLAlchemyError):
        said = _line(error.orig) if isinstance(error, DBAPIError) and error.orig else type(error).__name__
        return f"the cell's database: {said}; check that it is there and that nobody holds it"
    return f"twohop's own fault, please report it: {_line(error)}"


def _line(error: BaseException) -> str:
    text = str(error).strip().splitlines()
    return text[0] if text else type(error).__name__
