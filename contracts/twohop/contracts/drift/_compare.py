"""Whether two answers are alike by shape, and where they are not.

Values are compared by kind alone: a number stays a number, a reference keeps its type. Lists may have other lengths,
but every shape of an entry on one side must be met on the other. Entries that say what they are about, such as the
properties of an object, are compared with the one about the same.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from ._cassette import Answer
from ._shape import XSD, Node, body_of, kind_of_text, parse

COOKIE_FORMS = {
    "hex40": r"[0-9a-f]{40}",
    "uuid52": r"52[0-9a-f]{6}(-[0-9a-f]{4}){3}-[0-9a-f]{12}",
    "UUID": r"[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}",
    "uuid": r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}",
}
HEADERS = ("content-type", "cache-control", "set-cookie")
"""The headers that matter to a client; the others come from the way between."""

OPAQUE = ("version", "token")
"""Elements whose text a server makes up, and no client reads."""

_ENOUGH = 12
_BY_STAGE = ("cancelled", "error", "result", "progress", "startTime", "completeTime", "description")
"""What is known of a task by the time that somebody looks."""

Pool = Callable[[str, Node], "Node | None"]


@dataclass(frozen=True, slots=True)
class Difference:
    """One place where two answers part: a path of element names, what was recorded, what came."""

    path: str
    recorded: str
    came: str

    def __str__(self) -> str:
        return f"{self.path}: recorded {self.recorded}, came {self.came}"


@dataclass(frozen=True, slots=True)
class Terms:
    """What is compared with what: `same_objects` where both sides tell of one inventory.

    `elsewhere` finds the entry about the same object in another answer of the session, since a server chooses how it
    cuts a long answer into batches.
    """

    same_objects: bool
    reference: Mapping[str, str]
    elsewhere: Pool | None = None


def compare(recorded: Answer, came: Answer, terms: Terms) -> list[Difference]:
    """Return where two answers differ by shape; an empty list where they are alike."""
    found = []
    if recorded.status != came.status:
        found.append(Difference("status", str(recorded.status), str(came.status)))
    for name in HEADERS:
        ours, theirs = (_header(name, answer.headers.get(name)) for answer in (came, recorded))
        if ours != theirs:
            found.append(Difference(f"header {name}", theirs or "nothing", ours or "nothing"))
    left, right = body_of(parse(recorded.body)), body_of(parse(came.body))
    if left is None or right is None:
        if (left is None) != (right is None):
            found.append(Difference("body", "no XML" if left is None else "XML", "no XML" if right is None else "XML"))
        return found
    return found + _nodes(left, right, left.name, terms)


def untold(recorded: Answer, came: Answer, terms: Terms) -> list[Difference] | None:
    """Return which recorded updates this server told in no other answer of the session; None where it tells some here.

    How long a task takes is a value: a server that is done sooner has told at once what the recorded one told later.
    """
    left, right = body_of(parse(recorded.body)), body_of(parse(came.body))
    told = left.child("returnval") if left is not None else None
    ended = right is not None and (
        (came.status == 200 and right.child("returnval") is None)
        or any(node.kind is not None and node.kind[1] == "RequestCanceled" for node in right.walk())
    )
    if left is None or told is None or not ended:
        return None
    objects = [node for each in told.children if each.name == "filterSet" for node in each.children]
    return _by_subject([node for node in objects if node.child("obj") is not None], [], left.name, terms)


def _header(name: str, value: str | None) -> str | None:
    if value is None:
        return None
    if name != "set-cookie":
        return value.strip().lower()
    first, *rest = (part.strip() for part in value.split(";"))
    key, _, text = first.partition("=")
    bare = text.strip('"')
    quoted = '"' if text != bare else ""
    form = next((form for form, pattern in COOKIE_FORMS.items() if re.fullmatch(pattern, bare)), "text")
    return "; ".join([f"{key}={quoted}{form}{quoted}", *(part for part in rest if part)])


def _nodes(left: Node, right: Node, path: str, terms: Terms) -> list[Difference]:
    found = []
    if (left.namespace, left.name) != (right.namespace, right.name):
        return [Difference(path, f"{{{left.namespace}}}{left.name}", f"{{{right.namespace}}}{right.name}")]
    if left.kind != right.kind:
        return [Difference(path, f"xsi:type {_typed(left)}", f"xsi:type {_typed(right)}")]
    if left.ref != right.ref:
        return [Difference(path, f"type {left.ref}", f"type {right.ref}")]
    if left.attributes != right.attributes:
        found.append(Difference(path, f"attributes {left.attributes}", f"attributes {right.attributes}"))
    if not left.children and not right.children:
        if not _fits(left, right):
            found.append(Difference(path, kind_of_text(left.text), kind_of_text(right.text)))
        return found
    if left.kind is not None and left.kind[1].startswith("ArrayOf") and not left.children and not terms.same_objects:
        # What another inventory has more of is no matter of shape; what it has none of cannot be compared.
        return found
    return found + _children(left, right, path, terms)


def _typed(node: Node) -> str:
    return "none" if node.kind is None else f"{{{node.kind[0]}}}{node.kind[1]}"


def _fits(left: Node, right: Node) -> bool:
    if left.ref is not None or left.kind == (XSD, "string") or left.name in OPAQUE:
        return True
    theirs, ours = kind_of_text(left.text), kind_of_text(right.text)
    if theirs in ("text", "empty"):
        # A text may be anything.
        return True
    numbers = ("number", "version")
    return theirs == ours or (theirs in numbers and ours in numbers)


def _children(left: Node, right: Node, path: str, terms: Terms) -> list[Difference]:
    found = []
    theirs, ours = _runs(left), _runs(right)
    if _at_other_stages(left, right):
        for name in _BY_STAGE:
            theirs.pop(name, None)
            ours.pop(name, None)
    for name in theirs:
        if name not in ours and not _all_elsewhere(theirs[name], terms):
            found.append(Difference(f"{path}/{name}", "present", "absent"))
    for name in ours:
        if name not in theirs:
            found.append(Difference(f"{path}/{name}", "absent", "present"))
    both = [name for name in theirs if name in ours]
    if both != [name for name in ours if name in theirs]:
        order = [name for name in ours if name in theirs]
        found.append(Difference(path, f"order {', '.join(both)}", f"order {', '.join(order)}"))
    for name in both:
        found += _run(theirs[name], ours[name], f"{path}/{name}", terms)
    return found


def _at_other_stages(left: Node, right: Node) -> bool:
    """Tell whether two are the information on a task, of which one had not ended when somebody looked."""
    states = [node.child("state") for node in (left, right) if node.child("descriptionId") is not None]
    texts = {state.text for state in states if state is not None}
    return len(texts) == 2 and bool(texts & {"queued", "running"})


def _runs(node: Node) -> dict[str, list[Node]]:
    runs: dict[str, list[Node]] = {}
    for child in node.children:
        runs.setdefault(child.name, []).append(child)
    return runs


def _all_elsewhere(nodes: list[Node], terms: Terms) -> bool:
    return all(_about(node) is not None and _elsewhere(node, terms) is not None for node in nodes)


def _about(node: Node) -> str | None:
    """Return what an entry is about: the object or the property that it names."""
    named = node.child("name") if node.name in ("propSet", "changeSet") else None
    if named is None and node.name == "missingSet":
        named = node.child("path")
    if named is not None:
        return named.text
    obj = node.child("obj")
    return obj.text if obj is not None and obj.ref is not None else None


def _elsewhere(node: Node, terms: Terms) -> Node | None:
    return terms.elsewhere(node.name, node) if terms.elsewhere is not None else None


def _run(theirs: list[Node], ours: list[Node], path: str, terms: Terms) -> list[Difference]:
    if len(theirs) == 1 and len(ours) == 1 and _about(theirs[0]) is None:
        return _nodes(theirs[0], ours[0], path, terms)
    if all(_about(node) is not None for node in (*theirs, *ours)):
        return _by_subject(theirs, ours, path, terms)
    return _by_shape(theirs, ours, path, terms)


def _by_subject(theirs: list[Node], ours: list[Node], path: str, terms: Terms) -> list[Difference]:
    if not theirs:
        return []
    if theirs[0].child("obj") is not None and not terms.same_objects and ours:
        return _by_shape(theirs, ours, path, terms)
    found: list[Difference] = []
    mine = {_about(node): node for node in ours}
    met = set()
    for node in theirs:
        about = _about(node) or ""
        about = terms.reference.get(about, about) if node.child("obj") is not None else about
        other = mine.get(about)
        met.add(about)
        if other is None:
            other = _elsewhere(node, terms)
        if other is None and _tells(mine, about):
            continue
        if other is None:
            found.append(Difference(f"{path}[{about}]", "present", "absent"))
        else:
            found += _nodes(node, other, f"{path}[{about}]", terms)
        if len(found) >= _ENOUGH:
            return found
    known = terms.elsewhere is not None and theirs[0].child("obj") is not None
    surplus = [] if known else [about for about in mine if about not in met and not _parts(about, met)]
    found += [Difference(f"{path}[{about}]", "absent", "present") for about in surplus]
    if theirs[0].child("obj") is None and not surplus and not found:
        order = [_about(node) for node in ours if _about(node) in met]
        if order != [_about(node) for node in theirs if _about(node) in mine]:
            found.append(Difference(path, f"order {[_about(n) for n in theirs]}", f"order {order}"))
    return found


def _tells(mine: Mapping[str | None, Node], path: str) -> bool:
    """Tell whether a property is told within another: an update may tell `info`, or of it `info.state` alone."""
    for name, entry in mine.items():
        at = entry.child("val") if name is not None and path.startswith(f"{name}.") else None
        for step in path.removeprefix(f"{name}.").split("."):
            at = at.child(step) if at is not None else None
        if at is not None:
            return True
    return False


def _parts(path: str | None, told: Iterable[str]) -> bool:
    return path is not None and any(other.startswith(f"{path}.") for other in told)


def _by_shape(theirs: list[Node], ours: list[Node], path: str, terms: Terms) -> list[Difference]:
    found: list[Difference] = []
    texts = set(_texts((*theirs, *ours)))
    left, right = _distinct(theirs), _distinct(ours)
    for node in left:
        mates = [other for other in right if _mates(node, other)]
        if not mates:
            if terms.same_objects:
                found.append(Difference(path, f"an entry {_entry(node)}", "none of that type"))
            continue
        found += _least(((node, other) for other in mates), path, terms, texts)
        if len(found) >= _ENOUGH:
            return found
    for other in right:
        mates = [node for node in left if _mates(node, other)]
        if not mates:
            if terms.same_objects:
                found.append(Difference(path, "none of that type", f"an entry {_entry(other)}"))
            continue
        if not found:
            found += _least(((node, other) for node in mates), path, terms, texts)
    return found


def _entry(node: Node) -> str:
    return node.label + (f" of type {node.ref}" if node.ref else "")


def _mates(node: Node, other: Node) -> bool:
    about, mine = node.child("obj"), other.child("obj")
    same_type = about is None or mine is None or about.ref == mine.ref
    return same_type and (node.kind, node.ref) == (other.kind, other.ref)


def _texts(nodes: Iterable[Node]) -> Iterable[str]:
    """Yield the fields that hold a text somewhere in a list: there a number is a text that looks like one."""
    for node in nodes:
        for inner in node.walk():
            if not inner.children and kind_of_text(inner.text) not in ("number", "version", "truth", "time"):
                yield inner.name


def _least(pairs: Iterable[tuple[Node, Node]], path: str, terms: Terms, texts: set[str]) -> list[Difference]:
    best: list[Difference] | None = None
    for node, other in pairs:
        differences = [
            d for d in _nodes(node, other, path, terms)
            if not (d.path.rsplit("/", 1)[-1] in texts and d.recorded in ("number", "version", "truth", "time"))
        ]  # fmt: skip
        if not differences:
            return []
        if best is None or len(differences) < len(best):
            best = differences
    return best or []


def _distinct(nodes: list[Node]) -> list[Node]:
    """Return one node of each shape, in order."""
    seen: dict[object, Node] = {}
    for node in nodes:
        seen.setdefault(_signature(node), node)
    return list(seen.values())


def _signature(node: Node) -> object:
    return (
        node.namespace, node.name, node.kind, node.ref, node.attributes,
        kind_of_text(node.text) if not node.children and node.ref is None else "",
        tuple(dict.fromkeys(_signature(child) for child in node.children)),
    )  # fmt: skip
