"""Who may make what downloadable: roles against the profile's word, for the sources conflict (2.11)."""

from __future__ import annotations

from twohop.runtime.profiles import Profile

from ..engine import ROLES, Entity

_ADMIN, _CATALOG_AUTHOR, _VAPP_AUTHOR = ROLES[:3]
_ENABLING = {
    "org-admin": (_ADMIN,),
    "+catalog-author": (_ADMIN, _CATALOG_AUTHOR),
    "+vapp-author": (_ADMIN, _CATALOG_AUTHOR, _VAPP_AUTHOR),
}
VAPP_RIGHT = "vApp: Download"
CATALOG_RIGHT = "Catalog: Enable a vApp template or media item for download"


def missing_right(profile: Profile, role: str, entity: Entity) -> str | None:
    """Return the right that a role lacks to enable an entity's download, None where it has it.

    That of a vApp goes with downloading itself, for which vApp Author or above is enough; that of a template or a
    medium is a right of its own.
    """
    if entity.kind == "vApp":
        return None if role in _ENABLING["+vapp-author"] else VAPP_RIGHT
    return None if role in _ENABLING[profile.text("enable_right")] else CATALOG_RIGHT
