"""Choosing the fake by the product of a profile."""

from __future__ import annotations

from typing import Any

from twohop.runtime.profiles import Profile, load_profile

from ._esxi import ESXi
from ._vcenter import VCenter


def fake_for(profile: str | Profile, **options: Any) -> VCenter | ESXi:
    """Return the fake, not yet started, of the product that `profile` is of; `options` are those of its class."""
    chosen = load_profile(profile) if isinstance(profile, str) else profile
    return (ESXi if chosen.product == ESXi.product else VCenter)(profile=chosen, **options)
