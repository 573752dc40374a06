"""Power of a machine: which operation is legal in which state; the rest is InvalidPowerState (2.13)."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from types import MappingProxyType


class PowerState(Enum):
    """States as VirtualMachine.runtime.powerState names them."""

    ON = "poweredOn"
    OFF = "poweredOff"
    SUSPENDED = "suspended"


class PowerInput(Enum):
    """Power operations."""

    POWER_ON = "PowerOnVM_Task"
    POWER_OFF = "PowerOffVM_Task"
    SUSPEND = "SuspendVM_Task"
    RESET = "ResetVM_Task"


TABLE: Mapping[tuple[PowerState, PowerInput], PowerState | None] = MappingProxyType(
    {
        (PowerState.OFF, PowerInput.POWER_ON): PowerState.ON,
        (PowerState.OFF, PowerInput.POWER_OFF): None,
        (PowerState.OFF, PowerInput.SUSPEND): None,
        (PowerState.OFF, PowerInput.RESET): None,
        (PowerState.ON, PowerInput.POWER_ON): None,
        (PowerState.ON, PowerInput.POWER_OFF): PowerState.OFF,
        (PowerState.ON, PowerInput.SUSPEND): PowerState.SUSPENDED,
        (PowerState.ON, PowerInput.RESET): PowerState.ON,
        (PowerState.SUSPENDED, PowerInput.POWER_ON): PowerState.ON,
        (PowerState.SUSPENDED, PowerInput.POWER_OFF): PowerState.OFF,
        (PowerState.SUSPENDED, PowerInput.SUSPEND): None,
        (PowerState.SUSPENDED, PowerInput.RESET): None,
    }
)
"""Every state with every input; None is refused. No state is an end."""


def step_power(state: PowerState, input: PowerInput) -> PowerState | None:
    """Return the state after a power operation, or None where the state does not allow it."""
    return TABLE[state, input]


def required_state(input: PowerInput) -> PowerState:
    """Return the state that InvalidPowerState names as required for an operation."""
    return PowerState.OFF if input is PowerInput.POWER_ON else PowerState.ON
