"""Profiles: what differs between versions, and what nobody knows, as data that cannot contradict itself."""

from __future__ import annotations

import re
import tomllib
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twohop.runtime.profiles import Profile, ProfileError, known_profiles, load_profile

PRODUCTS = ("vcenter", "cell")


def _rows(product: str) -> dict[str, Any]:
    text = resources.files("twohop.runtime.profiles").joinpath(f"{product}.toml").read_text("utf-8")
    return tomllib.loads(text)


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_toml, value))}]"
    return repr(value) if isinstance(value, int | float) else '"' + str(value).replace('"', '\\"') + '"'


@pytest.mark.parametrize("name", known_profiles())
def test_every_value_of_every_version_lies_in_the_accepted_set(name: str) -> None:
    profile = load_profile(name)
    assert (profile.name, profile.note) == (name, None)
    for key, field in profile.fields.items():
        assert field.check(profile.values[key], name) == profile.values[key]
        assert re.fullmatch(r"\d+\.\d+[a-z]?(, ?\d+\.\d+[a-z]?)*|[FQV]\d+", field.fact), f"{key} cites {field.fact!r}"


@pytest.mark.parametrize("product", PRODUCTS)
def test_a_table_names_only_its_own_versions_and_every_accepted_value_is_of_its_type(product: str) -> None:
    table = _rows(product)
    assert table["default_version"] in table["versions"]
    for key, row in table["fields"].items():
        assert set(row.get("versions", {})) <= set(table["versions"]), key
        assert set(row) <= {"says", "type", "fact", "accepted", "default", "least", "most", "versions"}, key
        field = load_profile(product).fields[key]
        for value in row.get("accepted", ()):
            assert field.check(value, key) == value
        if "least" in row:
            assert row["least"] <= row["default"] <= row["most"]


@pytest.mark.parametrize("product", PRODUCTS)
def test_what_no_source_answers_has_more_than_one_accepted_value(product: str) -> None:
    for key, row in _rows(product)["fields"].items():
        if row["type"] == "text" and "accepted" in row:
            assert len(row["accepted"]) == len(set(row["accepted"])) >= 1, key
            assert row["default"] in row["accepted"]


@pytest.mark.parametrize(
    ("asked", "taken"),
    [
        ("vcenter-8.0", "vcenter-8.0"),
        ("vcenter", "vcenter-8.0"),
        ("vcenter-8.0.3", "vcenter-8.0"),
        ("vcenter-7.5", "vcenter-7.0"),
        ("vcenter-12.1", "vcenter-9.0"),
        ("vcenter-1.0", "vcenter-4.1"),
        ("vcenter-6.6", "vcenter-6.5"),
        ("vcenter-6.5.9", "vcenter-6.5"),
        ("vcenter-6.6.9", "vcenter-6.7"),
        ("vcenter-5.1", "vcenter-5.5"),
        ("vcenter-4.9.9", "vcenter-5.5"),
        ("vcenter-4.6", "vcenter-4.1"),
    ],
)
def test_a_version_that_nobody_listed_takes_the_nearest_and_says_so(asked: str, taken: str) -> None:
    profile = load_profile(asked)
    assert profile.name == taken
    listed = asked in (taken, "vcenter")
    assert (profile.note is None) == listed
    if profile.note is not None:
        assert asked.removeprefix("vcenter-") in profile.note
        assert taken in profile.note


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("esx-8.0", "no profile 'esx-8.0': the product is vcenter, esxi, cell; known: vcenter-4.1,"),
        ("", "no profile ''"),
        ("vcenter-new", "vcenter has no version 'new'; known: 4.1,"),
        ("vcenter-8..0", "vcenter has no version '8..0'"),
        ("/nowhere/at/all.toml", "the profile file /nowhere/at/all.toml cannot be read"),
    ],
)
def test_a_name_that_means_nothing_is_refused(name: str, message: str) -> None:
    with pytest.raises(ProfileError, match=re.escape(message)):
        load_profile(name)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"lease_timout_s": 300}, "has no field 'lease_timout_s'; it has"),
        ({"lease_timeout_s": 29}, r"lease_timeout_s lies within 30..3600; got 29 (fact 3.2)"),
        ({"lease_timeout_s": 3601}, "lease_timeout_s lies within"),
        ({"lease_timeout_s": float("nan")}, "lease_timeout_s"),
        ({"lease_timeout_s": "300"}, "lease_timeout_s is a seconds, got '300'"),
        ({"lease_timeout_s": True}, "lease_timeout_s is a seconds, got True"),
        ({"transfer_renews": 1}, "transfer_renews is a flag, got 1"),
        ({"nfc_framing": "gzip"}, "nfc_framing accepts 'chunked', 'length'; got 'gzip' (fact 6.4)"),
        ({"nfc_connections": 0}, "nfc_connections lies within 1..10000"),
        ({"nfc_connections": 1.5}, "nfc_connections is a count, got 1.5"),
        ({"dead_ticket_status": 404.0}, "dead_ticket_status is a count, got 404.0"),
        ({"dead_ticket_status": 200}, "dead_ticket_status accepts 404, 403, 500, 503; got 200"),
    ],
)
def test_a_value_outside_the_accepted_set_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ProfileError, match=re.escape(message)):
        load_profile("vcenter-8.0", changes)
    with pytest.raises(ProfileError, match=re.escape(message)):
        load_profile("vcenter-8.0").but(**changes)


@given(data=st.data(), name=st.sampled_from(known_profiles()))
def test_a_file_says_the_same_as_the_changes_it_holds(data: st.DataObject, name: str, tmp_path_factory: Any) -> None:
    base = load_profile(name)
    changes: dict[str, Any] = {}
    for key in data.draw(st.lists(st.sampled_from(sorted(base.fields)), unique=True, max_size=5)):
        field = base.fields[key]
        if field.accepted is not None:
            changes[key] = data.draw(st.sampled_from(field.accepted))
        elif field.type == "flag":
            changes[key] = data.draw(st.booleans())
        elif field.least is not None and field.most is not None:
            changes[key] = data.draw(st.integers(int(field.least), int(field.most)))
        else:
            changes[key] = field.default
    path = tmp_path_factory.mktemp("profiles") / "mine.toml"
    path.write_text(f'profile = "{name}"\n' + "".join(f"{k} = {_toml(v)}\n" for k, v in changes.items()))
    from_file = load_profile(str(path))
    assert from_file == base.but(**changes)
    assert all(from_file.values[k] == v for k, v in changes.items())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("lease_timeout_s = 60\n", 'say which profile it starts from: profile = "vcenter-8.0"'),
        ("profile = 8\n", "say which profile it starts from"),
        ('profile = "other.toml"\n', "say which profile it starts from"),
        ('profile = "vcenter-8.0"\nlease_timeout_s = 1\n', "lease_timeout_s lies within"),
        ('profile = "vcenter-8.0"\nnonsense = 1\n', "has no field 'nonsense'"),
        ("= = =", "cannot be read"),
    ],
)
def test_a_wrong_file_is_refused(text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "wrong.toml"
    path.write_text(text)
    with pytest.raises(ProfileError, match=re.escape(message)):
        load_profile(str(path))


def test_bytes_that_are_no_text_are_no_profile(tmp_path: Path) -> None:
    path = tmp_path / "wrong.toml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ProfileError, match="cannot be read"):
        load_profile(str(path))


def test_changes_leave_the_profile_they_start_from_alone() -> None:
    base = load_profile("vcenter-8.0")
    other = base.but(lease_timeout_s=60)
    assert isinstance(other, Profile)
    assert (base.seconds("lease_timeout_s"), other.seconds("lease_timeout_s")) == (300.0, 60.0)
    assert load_profile("vcenter-8.0").seconds("lease_timeout_s") == 300.0
