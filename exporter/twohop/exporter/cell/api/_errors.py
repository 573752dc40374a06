"""Errors of the API: status, minor code and message (1.12-1.14)."""

from __future__ import annotations

from ._xml import document, node


class ApiError(Exception):
    """An answer other than success; `body` False where the real cell sends none (1.4)."""

    def __init__(
        self, status: int, minor: str, message: str, *, headers: tuple[tuple[str, str], ...] = (), body: bool = True
    ) -> None:
        super().__init__(message)
        self.status, self.minor, self.message, self.headers, self.has_body = status, minor, message, headers, body

    def document(self) -> bytes:
        """Return the Error body (1.13)."""
        return document(node("Error", minorErrorCode=self.minor, message=self.message, majorErrorCode=str(self.status)))


def bad_request(message: str) -> ApiError:
    """Return the error of a request that cannot be done as it is."""
    return ApiError(400, "BAD_REQUEST", message)


def no_access(kind: str, id: str) -> ApiError:
    """Return the error of an id that is unknown or somebody else's: the two are not told apart (1.12)."""
    return ApiError(
        403, "ACCESS_TO_RESOURCE_IS_FORBIDDEN", f'No access to entity "com.vmware.vcloud.entity.{kind}:{id}".'
    )


def lacks_right(call: str, right: str, entity: str) -> ApiError:
    """Return the error of somebody who may not do this: worded as other cells word it (F17)."""
    return ApiError(
        403, "ACCESS_TO_RESOURCE_IS_FORBIDDEN",
        f"[ {call} ] Either you need some or all of the following rights [{right}] to perform operations"
        f" [ENABLE_DOWNLOAD] for {entity} or the target entity is invalid.",
    )  # fmt: skip


def not_found() -> ApiError:
    """Return the error of a URL that names nothing (1.12)."""
    return ApiError(404, "RESOURCE_NOT_FOUND", "The request URL names no resource of this API.")


def method_not_allowed(method: str, allowed: list[str]) -> ApiError:
    """Return the error of a method that the resource does not have."""
    return ApiError(
        405, "METHOD_NOT_ALLOWED", f"The resource does not have the method {method}.",
        headers=(("Allow", ", ".join(sorted(allowed))),),
    )  # fmt: skip


class NotSupported(ApiError):
    """Something that a real cell has and twohop has not."""

    def __init__(self, what: str) -> None:
        super().__init__(501, "NotSupported", f"twohop does not implement {what}; a real cell does.")
