"""A server may propose any name; what comes out is a file in our directory and no other."""

from __future__ import annotations

import string
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twohop.exporter.package import safe_name, unique_name

PROPER = st.text(string.ascii_letters + string.digits, min_size=4, max_size=40)


@given(st.one_of(st.none(), st.text(max_size=6000), st.text("./\\:~ \n\0", max_size=20)))
def test_whatever_is_proposed_the_file_lies_in_the_directory(proposed: str | None) -> None:
    name = safe_name(proposed, "file-1")
    assert (Path("/target") / name).parent == Path("/target")
    assert name not in ("", ".", "..")
    assert not set(name) & set('/\\:\0\n\r\t"*?<>|')
    assert name.isprintable()
    assert len(name.encode()) <= 200
    assert not name.startswith((".", "-", "~/"))
    assert safe_name(name, "file-1") == name


@given(PROPER, st.sampled_from(["vmdk", "nvram", "iso"]))
def test_a_proper_name_stays_as_it_is(stem: str, ending: str) -> None:
    assert safe_name(f"{stem} 1-disk.{ending}", "x") == f"{stem} 1-disk.{ending}"


@pytest.mark.parametrize(
    ("proposed", "name"),
    [
        ("../../etc/passwd", "_.._etc_passwd"),
        ("C:\\windows\\disk.vmdk", "C__windows_disk.vmdk"),
        ("disk\u202egpj.vmdk", "disk_gpj.vmdk"),
        ("a\nb.vmdk", "a_b.vmdk"),
        ("nul.vmdk", "_nul.vmdk"),
        (". .0", "0"),
        ("..", "file-1"),
        ("///", "file-1"),
        ("", "file-1"),
        (None, "file-1"),
    ],
)
def test_names_that_were_meant_to_do_harm(proposed: str | None, name: str) -> None:
    assert safe_name(proposed, "file-1") == name


def test_a_name_of_5000_characters_keeps_its_ending() -> None:
    name = safe_name("ü" * 5000 + ".vmdk", "x")
    assert len(name.encode()) <= 200
    assert name.endswith("ü.vmdk")


@given(st.lists(st.sampled_from(["a.vmdk", "A.vmdk", "a-2.vmdk", "b", "x" * 200, "x" * 195 + ".vmdk"]), max_size=12))
def test_names_are_kept_apart_even_where_case_does_not_matter(wanted: list[str]) -> None:
    taken: list[str] = []
    for each in wanted:
        taken.append(unique_name(each, taken))
    assert len({name.casefold() for name in taken}) == len(wanted)
    assert all(len(name.encode()) <= 200 for name in taken)
