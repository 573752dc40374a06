"""Value maps: what a recorded id, cookie, version or token is called by the server of today."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from html import escape, unescape

from ._cassette import Answer, Request
from ._shape import Node, parse

_SESSION = re.compile(r"vmware_soap_session=\\?\"?([^;\"\\ ,]+)")
_LEAF = re.compile(r">([^<>]+)</")
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$")
_OPAQUE = ("version", "token", "returnval", "uniqueId", "sessionID")


def session_in(header: str | None) -> str | None:
    """Return the session id in a Cookie or Set-Cookie header, in any of its forms."""
    match = _SESSION.search(header or "")
    return match[1] if match else None


@dataclass(slots=True)
class References:
    """What was recorded, and what stands for it now.

    `stand_in` names an object of a type where no answer told one, or where the same is asked `again` of another.
    `standing` are the ids that both servers know as the same object.
    """

    user: str
    password: str
    stand_in: Callable[[str, str], str | None] = lambda type_name, recorded: None
    values: dict[str, str] = field(default_factory=dict)
    types: dict[str, str] = field(default_factory=dict)
    sessions: dict[str, str] = field(default_factory=dict)
    latest: str | None = None
    again: bool = False
    standing: frozenset[str] = frozenset()

    def rewrite(self, request: Request, *, refused: bool, anonymous: bool) -> Request:
        """Return a recorded request as it has to be sent now; `refused` where its Login was."""
        body = _LEAF.sub(lambda match: f">{escape(self._of(unescape(match[1])), quote=False)}</", request.body)
        body = _filled(body, "userName", self.user)
        body = _filled(body, "password", "no such password" if refused else self.password)
        headers = dict(request.headers)
        session = session_in(headers.get("cookie"))
        if session is not None and (session in self.sessions or self.latest):
            headers["cookie"] = headers["cookie"].replace(session, self.sessions.get(session) or str(self.latest))
        elif not headers.get("cookie") and not anonymous and self.latest:
            # Whoever scrubbed the recording took the cookie with it: the call was answered, so there was one.
            headers["cookie"] = f'vmware_soap_session="{self.latest}"'
        return Request(request.method, request.path, headers, body)

    def learn(self, recorded: Answer, came: Answer) -> None:
        """Take from two answers to one request what stands for what."""
        theirs, ours = (session_in(answer.headers.get("set-cookie")) for answer in (recorded, came))
        if ours is not None:
            self.latest = ours
            if theirs is not None:
                self.sessions[theirs] = self.values[theirs] = ours
        left, right = parse(recorded.body), parse(came.body)
        if left is not None:
            for node in left.walk():
                if node.ref is not None:
                    self.types.setdefault(node.text, node.ref)
            if right is not None:
                self._pair(left, right)

    def named_in(self, body: str) -> set[str]:
        """Return the types of the recorded objects that a request names."""
        texts = (unescape(match[1]).strip() for match in _LEAF.finditer(body))
        return {self.types[text] for text in texts if text in self.types}

    def know(self, types: Mapping[str, str]) -> None:
        """Take the types of recorded objects, wherever in the cassette they are told."""
        self.types.update(types)

    def _of(self, value: str) -> str:
        text = value.strip()
        found = self.values.get(text)
        if text in self.types and (found is None or self.again):
            found = self.stand_in(self.types[text], text) or found
        return value if found is None else found

    def _pair(self, left: Node, right: Node) -> None:
        if left.name != right.name:
            return
        if not left.children and not right.children:
            told = (
                (left.ref is not None and left.ref == right.ref)
                or left.name in _OPAQUE
                or (left.name == "key" and _UUID.match(left.text))
            )
            if told and left.text and right.text and left.text not in self.values and left.text not in self.standing:
                self.values[left.text] = right.text
            return
        seen: dict[str, int] = {}
        for child in left.children:
            index = seen[child.name] = seen.get(child.name, -1) + 1
            same = [other for other in right.children if other.name == child.name]
            if index < len(same):
                self._pair(child, same[index])


def _filled(body: str, tag: str, value: str) -> str:
    """Put a value into each element of a name, whatever its prefix."""
    pattern = rf"(<(?:\w+:)?{tag}\b[^>]*>)[^<]*(</(?:\w+:)?{tag}>)"
    return re.sub(pattern, lambda match: f"{match[1]}{escape(value, quote=False)}{match[2]}", body)
