"""Secrets by reference: what may be written down instead of a ticket, a cookie, a token or a password.

The same secret always gets the same name (`ticket:1`), so that who reads a journal or a history can still follow one
ticket from the lease to the GET. Where secrets stand is known from the protocols: paths, headers and a few elements.
"""

from __future__ import annotations

import re
import threading

_UUID = r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}"
_PLACES: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("ticket", re.compile(rf"/(?:ha-)?nfc/({_UUID})")),
    ("transfer", re.compile(r"/transfer/([0-9A-Za-z-]{8,})")),
    ("session", re.compile(r"vmware_soap_session=\\?\"?([0-9A-Za-z-]{8,})")),
    ("token", re.compile(r"vcloud[-_](?:token|jwt|session_id)=([^;\"\s]{8,})")),
    ("credentials", re.compile(r"\b(?:Basic|Bearer) ([0-9A-Za-z+/=._-]{6,})")),
    ("password", re.compile(r"<(?:\w+:)?password\b[^>]*>([^<]+)</")),
)
_SECRET_HEADERS = {
    "x-vcloud-authorization": "token",
    "x-vmware-vcloud-access-token": "token",
}
_TOKEN = re.compile(r"[0-9A-Za-z+/=._-]{8,}")
_SEPARATORS = re.compile(r"([/=])")


class References:
    """A table of secrets and the names that stand for them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._names: dict[str, str] = {}
        self._counts: dict[str, int] = {}

    def name(self, kind: str, secret: str) -> str:
        """Return the name of a secret, such as `ticket:1`, giving it one at first sight."""
        with self._lock:
            known = self._names.get(secret)
            if known is None:
                self._counts[kind] = self._counts.get(kind, 0) + 1
                known = self._names[secret] = f"{kind}:{self._counts[kind]}"
            return known

    def scrub(self, text: str) -> str:
        """Return `text` with every secret in it, known or recognisable by its place, replaced by its name."""
        for kind, pattern in _PLACES:
            text = pattern.sub(lambda match, kind=kind: self._replace(kind, match), text)  # type: ignore[misc]
        return self._known(text) if self._names else text

    def header(self, name: str, value: str) -> str:
        """Return the value of an HTTP header as it may be written down."""
        kind = _SECRET_HEADERS.get(name.lower())
        return self.name(kind, value) if kind else self.scrub(value)

    def _replace(self, kind: str, match: re.Match[str]) -> str:
        whole, secret = match.group(0), match.group(1)
        start = match.start(1) - match.start(0)
        return whole[:start] + self.name(kind, secret) + whole[start + len(secret) :]

    def _known(self, text: str) -> str:
        names = self._names

        def look(match: re.Match[str]) -> str:
            token = match.group(0)
            if token in names:
                return names[token]
            parts = _SEPARATORS.split(token)
            return "".join(names.get(part, part) for part in parts) if len(parts) > 1 else token

        return _TOKEN.sub(look, text)
