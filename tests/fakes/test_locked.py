"""While a lease holds a machine, nothing changes its state; free again, twohop says which of these it does not do."""

from __future__ import annotations

from typing import Any

import pytest
from pyVmomi import vim, vmodl

from plain_pyvmomi import Plain
from twohop.fakes.vim.objects._locked import CHANGES
from vcenters import make

ARGUMENTS: dict[str, dict[str, Any]] = {
    "CreateSnapshot_Task": {"name": "s", "memory": False, "quiesce": False},
    "MigrateVM_Task": {"priority": "defaultPriority"},
    "ReconfigVM_Task": {"spec": vim.vm.ConfigSpec()},
    "RelocateVM_Task": {"spec": vim.vm.RelocateSpec()},
    "Rename_Task": {"newName": "other"},
}


@pytest.mark.parametrize("name", CHANGES)
def test_refused_with_the_task_while_leased_and_a_named_gap_otherwise(name: str) -> None:
    with make() as vc, Plain(vc) as me:
        vm = me.vm()
        change = getattr(vm, name)
        lease = vm.ExportVm()
        with pytest.raises(vim.fault.TaskInProgress) as locked:
            change(**ARGUMENTS.get(name, {}))
        assert locked.value.task.info.descriptionId == "VirtualMachine.exportVm"
        lease.HttpNfcLeaseAbort()
        with pytest.raises(vmodl.fault.NotSupported, match="twohop does not implement"):
            change(**ARGUMENTS.get(name, {}))
        assert f"the method VirtualMachine.{name}" in vc.about()["gaps"]
