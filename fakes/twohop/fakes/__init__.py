"""Faithful fakes of servers that are not ours: a vCenter and its ESXi hosts, and an ESXi host that stands alone.

>>> from twohop.fakes import VCenter
>>> with VCenter() as vc:
...     vc.url.startswith("https://127.0.0.1:"), [vm.name for vm in vc.world.vms()]
(True, ['DC0_C0_RP0_VM0', 'DC0_C0_RP0_VM1'])
"""

from ._esxi import ESXi
from ._serving import fake_for
from ._vcenter import VCenter
from .world import World, WorldFileError, default_host_spec, default_spec, load_spec

__all__ = ["ESXi", "VCenter", "World", "WorldFileError", "default_host_spec", "default_spec", "fake_for", "load_spec"]
