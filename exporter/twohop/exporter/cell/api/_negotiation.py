"""Which version of the API a request asks for (1.8)."""

from __future__ import annotations

from werkzeug.http import parse_options_header

from twohop.runtime.profiles import Profile

from ._errors import ApiError, NotSupported

Version = tuple[int, ...]


def number(version: str) -> Version:
    """Return a version as numbers that compare."""
    return tuple(int(part) for part in version.split("."))


def negotiate(accept: str, profile: Profile, *, json: bool = False) -> str:
    """Return the offered version that an Accept header names; ApiError where it names none (1.8)."""
    offered = [str(version) for version in profile.list("offered")]
    other_format = False
    for part in accept.split(","):
        media, options = parse_options_header(part)
        version = options.get("version", "").strip()
        if version not in offered:
            continue
        if media in ("*/*", "application/*") or media.endswith("json") is json:
            return version
        other_format = True
    if other_format:
        raise NotSupported("JSON bodies of the XML API" if not json else "XML bodies of the cloudapi")
    raise _not_acceptable(offered, profile)


def _not_acceptable(offered: list[str], profile: Profile) -> ApiError:
    status = profile.count("accept_error")
    old = profile.list("deprecated")
    newest_first = ", ".join(f"{v} [D]" if v in old else v for v in reversed(offered))
    if number(profile.version) < (9, 0):
        text = f"The request has invalid accept header. Supported API versions are: [{', '.join(offered)}]"
    else:
        text = (
            "The request has invalid accept header: Invalid API version requested. Supported API versions are:"
            f" [{newest_first}] ([D] indicates deprecated versions)"
        )
    return ApiError(status, "NOT_ACCEPTABLE" if status == 406 else "BAD_REQUEST", text)
