"""Write docs/faithful.md from the tables it is about; `--check` says whether it is stale."""

from __future__ import annotations

import sys
from pathlib import Path

from twohop.contracts.clauses import CLAUSES
from twohop.fakes.machines._lease import TABLE, LeaseState, Refusal
from twohop.fakes.vim._kinds import KINDS
from twohop.runtime.profiles import PRODUCTS, load_profile

PAGE = Path(__file__).with_name("faithful.md")


def _cell(value: object) -> str:
    return str(value).replace("|", "\\|").replace("\n", " ")


def _table(head: tuple[str, ...], rows: list[tuple[object, ...]]) -> list[str]:
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return [*lines, *("| " + " | ".join(map(_cell, row)) + " |" for row in rows)]


def _accepted(field: object) -> str:
    accepted = getattr(field, "accepted", None)
    if accepted is not None:
        return ", ".join(map(str, accepted))
    least, most = getattr(field, "least", None), getattr(field, "most", None)
    if least is not None or most is not None:
        return f"{least} to {most}"
    return "any"


def _lease() -> list[str]:
    lines = ["```mermaid", "stateDiagram-v2", "    [*] --> INITIALIZING: ExportVm"]
    for (state, put), target in TABLE.items():
        if isinstance(target, LeaseState) and target is not state:
            lines.append(f"    {state.name} --> {target.name}: {put.value}")
    lines += [f"    {state.name} --> [*]" for state in LeaseState if not state.held]
    inputs = list(dict.fromkeys(put for _, put in TABLE))
    rows = []
    for state in LeaseState:
        row: list[object] = [f"{state.value} (seen as `{state.seen}`)"]
        for put in inputs:
            target = TABLE[state, put]
            refused = "" if target is Refusal.NOTHING else f"*{target.value}*"
            row.append(target.value if isinstance(target, LeaseState) else refused)
        rows.append(tuple(row))
    return [*lines, "```", "", *_table(("state", *(put.value for put in inputs)), rows)]


def page() -> str:
    """Return the page."""
    lines = [
        "# How faithful is it?",
        "",
        "Generated from the tables of the project by `python docs/generate.py`. Numbers are clauses of the fact sheets",
        "that the project is built on; grades: V documented by the vendor, R recorded, O observed in a log, C relied",
        "on by clients, F claimed in a thread; for vCloud Director DOC, REC, LOG, CLI in the same order.",
        "",
        "## The export lease",
        "",
        "Every state with every input; refusals in italics.",
        "",
        *_lease(),
        "",
        "## The contract",
        "",
        *_table(
            ("clause", "rule", "source", "grade", "kind", "who keeps it"),
            [(c.id, c.sentence, c.source, c.grade, c.kind, c.subject) for c in CLAUSES],
        ),
        "",
        "## What versions differ in, and what nobody knows",
        "",
        "Fields of the profiles: `--profile FILE.toml` starts from one by name and sets others of the accepted values.",
    ]
    for product in PRODUCTS:
        profile = load_profile(product)
        lines += ["", f"### {profile.name}", ""]
        rows: list[tuple[object, ...]] = [
            (f"`{name}`", field.says, profile.values[name], _accepted(field), field.fact)
            for name, field in profile.fields.items()
        ]
        lines += _table(("field", "says", "default", "accepted", "fact"), rows)
    lines += [
        "",
        "## What the fake vCenter implements",
        "",
        "Any other method of the vSphere API answers `NotSupported` and names the gap; `about` of the control API",
        "counts them.",
        "",
        *_table(
            ("type", "methods", "properties"),
            [
                (kind.wsdl, ", ".join(sorted(kind.methods)), ", ".join(kind.readable()))
                for kind in sorted(KINDS.values(), key=lambda k: k.wsdl)
                if kind.methods or kind.readers
            ],
        ),
        "",
        "Out of scope: the binary NFC protocol on port 902; this is NFC over HTTPS.",
    ]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Write the page, or check it."""
    import twohop.fakes.vim  # noqa: F401  declares every kind

    text = page()
    if "--check" in sys.argv:
        if PAGE.read_text("utf-8") != text:
            sys.exit("docs/faithful.md is stale: run python docs/generate.py")
        return
    PAGE.write_text(text, "utf-8")


if __name__ == "__main__":
    main()
