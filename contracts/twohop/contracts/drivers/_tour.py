"""One program that puts every clause on leases to the test, as far as a target's switches let it."""

from __future__ import annotations

from typing import Any

from ._driver import Step

_LEASE: dict[str, Any] = {"lease": 0}
_VM: dict[str, Any] = {"vm": 0}
TOUR: tuple[Step, ...] = (
    # an export well done, with every look that can be taken at it
    ("survey_machines", {}), ("survey_vapps", {}), ("describe_machine", _VM), ("tasks", _VM), ("export", _VM),
    ("tasks", _VM), ("progress", {**_LEASE, "percent": 0}),
    ("read", _LEASE), ("read", _LEASE), ("read_more", _LEASE), ("read_old", _LEASE),
    ("checksum_type", {**_LEASE, "algorithm": "sha256"}), ("get", _LEASE), ("get_with_cookie", _LEASE),
    ("ask", {**_LEASE, "method": "HEAD"}), ("ask", {**_LEASE, "method": "PUT"}),
    ("get_made_up", {**_LEASE, "number": 1}), ("manifest", _LEASE), ("progress", {**_LEASE, "percent": 100}),
    ("tasks", _VM), ("power_on", _VM),
    ("describe", {**_LEASE, "populated": False}),
    ("change", {**_LEASE, "how": "reconfigure"}), ("progress", {**_LEASE, "percent": 1, "client": 2}),
    ("complete", _LEASE), ("tasks", _VM), ("get_one", {**_LEASE, "file": 0}), ("read", _LEASE), ("complete", _LEASE),
    # it is described, with its files and without; what is read of it is the same however it is read
    ("describe", {**_LEASE, "populated": True}), ("describe", {**_LEASE, "populated": False, "images": True}),
    ("describe", {**_LEASE, "populated": False, "named": True}), ("describe_machine", _VM),
    ("describe_machine", {"vm": 2, "snapshot_of": 2}), ("describe_machine", {"vm": 0, "snapshot_of": 2}),
    ("describe_machine", {"vm": 2, "images": True}),
    ("describe_vapp", {"vapp": 0, "populated": True}),
    ("describe_vapp", {"vapp": 0, "populated": False, "named": True}),
    ("compare_reads", _VM), ("read_unknown", _VM), ("login_badly", {"client": 2}),
    ("watch", {}), ("wait", {}), ("wait_badly", {}), ("logout", {"client": 1}), ("wait", {}),
    ("cancel_wait", {}), ("export_as_reader", _VM),
    ("progress", {**_LEASE, "percent": 1, "client": 1}),
    # the machine runs, and is not exported; it is off again, and two leases hold it
    ("power_on", _VM), ("survey_machines", {}), ("wait", {}), ("export", _VM), ("power_off", _VM),
    ("tasks", _VM), ("export", _VM), ("tasks", _VM), ("wait_until_ready", _LEASE), ("get", _LEASE),
    ("export", {**_VM, "client": 1}), ("wait_until_ready", _LEASE), ("get", _LEASE),
    ("abort", {"lease": 1, "fault": "FileFault"}), ("tasks", _VM), ("power_on", _VM), ("abort", _LEASE),
    ("read", _LEASE), ("power_on", _VM), ("power_off", _VM),
    # a lease is kept alive, and then is not
    ("tasks", {"vm": 1}), ("export", {"vm": 1}), ("tasks", {"vm": 1}), ("wait_until_ready", _LEASE),
    ("progress", {**_LEASE, "percent": 10}), ("get", _LEASE), ("advance", {"share": 0.7}),
    ("progress", {**_LEASE, "percent": 10}), ("get", _LEASE), ("advance", {"share": 0.7}),
    ("progress", {**_LEASE, "percent": 140}), ("tasks", {"vm": 1}),
    ("peek", {**_LEASE, "path": "state"}), ("advance", {"share": 1.01}), ("read", _LEASE), ("tasks", {"vm": 1}),
    ("complete", _LEASE), ("power_on", {"vm": 1}),
    # an encrypted machine; a snapshot of one that runs
    ("export", {"vm": 3}), ("power_on", {"vm": 2}), ("survey_machines", {}), ("export_snapshot", {"vm": 2}),
    ("wait_until_ready", _LEASE), ("get", _LEASE), ("describe", {**_LEASE, "populated": True}),
    ("describe_machine", {"vm": 2, "snapshot_of": 2}), ("complete", _LEASE),
    # one import is done, another given up
    ("begin_import", {}), ("power_on_import", {}), ("send_import", {}), ("ask_import_manifest", {}),
    ("end_import", {"how": "complete"}),
    ("begin_import", {}), ("send_import", {}), ("end_import", {"how": "abort"}),
    # all machines of a vApp at once, while a machine is held by a lease of its own
    ("export", _VM), ("tasks", _VM), ("export_vapp", {"vapp": 0}), ("tasks", _VM), ("wait_until_ready", _LEASE),
    ("read_more", _LEASE), ("get", _LEASE), ("manifest", _LEASE), ("power_on_member", _LEASE), ("complete", _LEASE),
    ("tasks", _VM),
    ("get_one", {**_LEASE, "file": 0}), ("read", _LEASE), ("abort", {"lease": 1}),
)  # fmt: skip
"""An export with all looks at it, a machine that runs, two leases at once, one renewed and then left alone, a vApp."""
