"""OpenStack's library as Nova and Cinder use it: a session, a look around, and a disk by its read handle."""

import os
import sys
import warnings
from pathlib import Path
from urllib.parse import urlsplit

warnings.simplefilter("ignore")

from oslo_vmware import api, exceptions, rw_handles, vim_util  # noqa: E402

server = urlsplit(os.environ["TWOHOP_VCENTER_URL"])
session = api.VMwareAPISession(
    server.hostname, os.environ["TWOHOP_USER"], os.environ["TWOHOP_PASSWORD"], 1, 0.1,
    port=server.port, cacert=os.environ["TWOHOP_CA_FILE"], insecure=False,
)  # fmt: skip
found = session.invoke_api(vim_util, "get_objects", session.vim, "VirtualMachine", 100)
named = {each.propSet[0].val: each.obj for each in found.objects}
vm = named[sys.argv[1]]
disks = session.invoke_api(vim_util, "get_object_property", session.vim, vm, "config.hardware.device")
assert "VirtualDisk" in {type(each).__name__ for each in disks.VirtualDevice}
handle = rw_handles.VmdkReadHandle(session, server.hostname, server.port, vm, None, 1 << 30)
with (Path(sys.argv[2]) / "disk.vmdk").open("wb") as out:
    while piece := handle.read(1 << 20):
        out.write(piece)
        handle.update_progress()
handle.close()
powered_off = session.invoke_api(session.vim, "PowerOffVM_Task", named[sys.argv[3]])
session.wait_for_task(powered_off)
try:
    session.invoke_api(session.vim, "PowerOffVM_Task", named[sys.argv[3]])
except exceptions.InvalidPowerStateException:
    pass
else:
    raise AssertionError("a machine that is off was powered off")
session.wait_for_task(session.invoke_api(session.vim, "PowerOnVM_Task", named[sys.argv[3]]))
session.logout()
