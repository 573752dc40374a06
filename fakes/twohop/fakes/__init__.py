"""Faithful fakes of servers that are not ours: a vCenter and its ESXi hosts.

>>> from twohop.fakes import VCenter
>>> with VCenter() as vc:
...     vc.url.startswith("https://127.0.0.1:"), [vm.name for vm in vc.world.vms()]
(True, ['DC0_C0_RP0_VM0', 'DC0_C0_RP0_VM1'])
"""

from ._vcenter import VCenter
from .world import World, WorldFileError, default_spec, load_spec

__all__ = ["VCenter", "World", "WorldFileError", "default_spec", "load_spec"]
