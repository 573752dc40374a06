"""Tickets for a machine's console: whoever holds one may connect to the host. The fakes have no console behind them."""

from __future__ import annotations

import secrets
import uuid
from typing import Any

from ...machines import PowerState
from ...world import Vm
from .. import _faults as faults
from .._registry import vim
from .._service import Call
from ._operation import gap, refuse_template, require_power
from ._virtual_machine import VIRTUAL_MACHINE

AUTHD, HTTPS = 902, 443
"""Ports of a host: of consoles, and of those for browsers."""


def _ticket(call: Call, vm: Vm) -> dict[str, Any]:
    """Return what every ticket tells: only a machine that runs has a console.

    A client that talks to the host itself is told no address, which means the one it has (META: optional).
    """
    refuse_template(vm)
    require_power(vm, PowerState.ON)
    secret = str(uuid.UUID(bytes=b"\x52" + secrets.token_bytes(15)))
    call.world.journal.references.name("console ticket", secret)
    return {
        "ticket": secret,
        "cfgFile": vm.vmx,
        "host": None if call.world.product.standalone else vm.host.name,
        "sslThumbprint": vm.host.thumbprint or None,
    }


@VIRTUAL_MACHINE.method("AcquireMksTicket")
def _mks_ticket(call: Call, vm: Vm) -> Any:
    return vim.VirtualMachine.MksTicket(**_ticket(call, vm), port=AUTHD)


@VIRTUAL_MACHINE.method("AcquireTicket")
def _any_ticket(call: Call, vm: Vm, ticketType: str) -> Any:
    if ticketType not in vim.VirtualMachine.TicketType.values:
        raise faults.invalid_argument("ticketType", "no such type of ticket")
    if ticketType not in ("mks", "webmks"):
        raise gap(call, f"a ticket of type {ticketType}")
    told = _ticket(call, vm)
    browser = ticketType == "webmks"
    ticket = vim.VirtualMachine.Ticket(**told, port=HTTPS if browser else AUTHD)
    if browser and hasattr(ticket, "url"):
        ticket.url = f"wss://{vm.host.name}:{HTTPS}/ticket/{told['ticket']}"
    return ticket
