"""A whole export with suds, which knows nothing of vSphere but what the server's WSDL says."""

import hashlib
import os
import ssl
import sys
import urllib.request
from pathlib import Path

import suds
import suds.client
import suds.transport.http
from suds.sudsobject import Property

URL, USER, PASSWORD = (os.environ[name] for name in ("TWOHOP_VCENTER_URL", "TWOHOP_USER", "TWOHOP_PASSWORD"))
VM, OUT = sys.argv[1], Path(sys.argv[2])
TLS = ssl.create_default_context(cafile=os.environ["TWOHOP_CA_FILE"])


class Transport(suds.transport.http.HttpTransport):
    """The usual transport, which trusts the authority given."""

    def u2handlers(self):
        return [*super().u2handlers(), urllib.request.HTTPSHandler(context=TLS)]


class Reference(Property):
    """A managed object reference: text with a type."""

    def __init__(self, kind, moid):
        super().__init__(moid)
        self._type = kind


client = suds.client.Client(f"{URL}/sdk/vimService.wsdl", location=f"{URL}/sdk", transport=Transport(), cache=None)
call, make = client.service, client.factory.create
content = call.RetrieveServiceContent(Reference("ServiceInstance", "ServiceInstance"))
assert content.about.apiType == "VirtualCenter", content.about
try:
    call.Login(content.sessionManager, USER, "wrong")
except suds.WebFault as fault:
    assert "InvalidLoginFault" in dict(fault.fault.detail), fault
else:
    raise AssertionError("a wrong password was taken")
call.Login(content.sessionManager, USER, PASSWORD)


def read(obj, *paths):
    """Read properties of one object."""
    wanted, start, spec = make("ns0:PropertySpec"), make("ns0:ObjectSpec"), make("ns0:PropertyFilterSpec")
    wanted.type, wanted.all, wanted.pathSet = obj._type, False, list(paths)
    start.obj, start.skip = obj, False
    spec.propSet, spec.objectSet = [wanted], [start]
    options = make("ns0:RetrieveOptions")
    options.maxObjects = 10
    answer = call.RetrievePropertiesEx(content.propertyCollector, [spec], options)
    return {each.name: each.val for each in answer.objects[0].propSet}


vm = call.FindByInventoryPath(content.searchIndex, f"DC0/vm/{VM}")
lease = call.ExportVm(vm)
seen = read(lease, "state", "info")
while seen["state"] == "initializing":
    seen = read(lease, "state", "info")
assert seen["state"] == "ready", seen
(device,) = (each for each in seen["info"].deviceUrl if each.disk)
digest, size = hashlib.sha1(), 0
with urllib.request.urlopen(device.url, context=TLS) as answer, (OUT / "disk-0.vmdk").open("wb") as out:
    while piece := answer.read(1 << 20):
        call.HttpNfcLeaseProgress(lease, 50)
        out.write(piece)
        digest.update(piece)
        size += len(piece)
(entry,) = call.HttpNfcLeaseGetManifest(lease)
assert (entry.key, entry.sha1, entry.size) == (device.key, digest.hexdigest(), size), entry
call.HttpNfcLeaseComplete(lease)
file, params = make("ns0:OvfFile"), make("ns0:OvfCreateDescriptorParams")
file.deviceId, file.path, file.size = device.key, "disk-0.vmdk", size
params.ovfFiles = [file]
descriptor = call.CreateDescriptor(content.ovfManager, vm, params).ovfDescriptor
(OUT / f"{VM}.ovf").write_text(descriptor, encoding="utf-8")
assert read(lease, "state")["state"] == "done"
call.Logout(content.sessionManager)
