"""A lease with zeep, which reads the WSDL strictly: every type that comes has to be one of its own."""

import os
import sys

import requests
import zeep

URL, USER, PASSWORD = (os.environ[name] for name in ("TWOHOP_VCENTER_URL", "TWOHOP_USER", "TWOHOP_PASSWORD"))
http = requests.Session()
http.verify, http.trust_env = os.environ["TWOHOP_CA_FILE"], False
client = zeep.Client(f"{URL}/sdk/vimService.wsdl", transport=zeep.Transport(session=http))
call, make = client.service, client.type_factory("urn:vim25")
call._binding_options["address"] = f"{URL}/sdk"
content = call.RetrieveServiceContent(make.ManagedObjectReference("ServiceInstance", type="ServiceInstance"))
call.Login(content.sessionManager, USER, PASSWORD)


def read(obj, *paths):
    """Read properties of one object."""
    wanted = make.PropertySpec(type=obj.type, pathSet=list(paths))
    spec = make.PropertyFilterSpec(propSet=[wanted], objectSet=[make.ObjectSpec(obj=obj)])
    (answer,) = call.RetrieveProperties(content.propertyCollector, [spec])
    return {each.name: each.val for each in answer.propSet}


vm = call.FindByInventoryPath(content.searchIndex, f"DC0/vm/{sys.argv[1]}")
hardware = read(vm, "config")["config"].hardware
assert "VirtualDisk" in {type(device).__name__ for device in hardware.device}
lease = call.ExportVm(vm)
while (seen := read(lease, "state", "info"))["state"] == "initializing":
    pass
url = seen["info"].deviceUrl[0].url
assert http.get(url, stream=True).raw.read(4) == b"KDMV"
call.HttpNfcLeaseProgress(lease, 5)
try:
    call.PowerOnVM_Task(vm)
except zeep.exceptions.Fault as fault:
    assert fault.detail[0].tag == "{urn:vim25}TaskInProgressFault", fault.detail
    (task,) = fault.detail[0]
    assert task.get("type") == "Task"
else:
    raise AssertionError("a leased machine was powered on")
call.HttpNfcLeaseAbort(lease)
assert read(lease, "error")["error"].localizedMessage
call.Logout(content.sessionManager)
