"""Profiles: what differs between products and versions, and every point that no public source answers.

A field has a type, a default per version, the set of accepted values and the number of the fact behind it. A fake acts
on its profile; the contract accepts the whole set. Nothing unknown is decided in silence.
"""

from ._profile import PRODUCTS, Field, Profile, ProfileError, known_profiles, load_profile

__all__ = ["PRODUCTS", "Field", "Profile", "ProfileError", "known_profiles", "load_profile"]
