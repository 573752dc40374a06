"""Tickets for consoles: of machines that run, another each time, and nowhere written down."""

from __future__ import annotations

import json

import pytest
from pyVmomi import vim, vmodl

from machine_client import WORLD, Machine
from plain_pyvmomi import Plain
from twohop.fakes import ESXi
from vcenters import make


def test_a_machine_that_runs_gives_tickets_for_its_console() -> None:
    with make(world=WORLD) as vc, Machine(vc) as machine:
        for asked in (machine.me.AcquireMksTicket, lambda: machine.me.AcquireTicket("webmks")):
            with pytest.raises(vim.fault.InvalidPowerState):
                asked()
        machine.me.PowerOnVM_Task()
        mks, plain, web = (
            machine.me.AcquireMksTicket(), machine.me.AcquireTicket("mks"), machine.me.AcquireTicket("webmks")
        )  # fmt: skip
        assert (mks.port, plain.port, web.port) == (902, 902, 443)
        assert {each.host for each in (mks, plain, web)} == {machine.me.runtime.host.name}
        assert {each.cfgFile for each in (mks, plain, web)} == {machine.me.config.files.vmPathName}
        assert len({each.ticket for each in (mks, plain, web)}) == 3
        assert web.url == f"wss://{web.host}:443/ticket/{web.ticket}"
        with pytest.raises(vmodl.fault.InvalidArgument):
            machine.me.AcquireTicket("paper")
        with pytest.raises(vmodl.fault.NotSupported, match="twohop"):
            machine.me.AcquireTicket("guestControl")
        written = json.dumps([str(entry) for entry in vc.journal.entries()])
        assert not any(each.ticket in written for each in (mks, plain, web))


def test_a_host_alone_names_no_address() -> None:
    with ESXi() as host, Plain(host) as client:
        assert client.vm("DC0_C0_RP0_VM1").AcquireMksTicket().host is None
