"""Pure state machines of the fakes: tables of states and inputs, with time as a parameter."""

from ._lease import Lease, LeaseInput, LeaseState, Refusal
from ._power import PowerInput, PowerState, required_state, step_power
from ._session import SessionInput, SessionState, SessionValue
from ._task import TaskInput, TaskState, TaskValue

__all__ = [
    "Lease",
    "LeaseInput",
    "LeaseState",
    "PowerInput",
    "PowerState",
    "Refusal",
    "SessionInput",
    "SessionState",
    "SessionValue",
    "TaskInput",
    "TaskState",
    "TaskValue",
    "required_state",
    "step_power",
]
