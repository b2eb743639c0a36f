"""Kinds of harm by name. A new one is a class in a module here and its line in the table."""

from collections.abc import Mapping

from chaos.faults.broker import BrokerKilled, BrokerPaused, BrokerRestarted
from chaos.faults.clock import ClockJump
from chaos.faults.disk import FailingSync, FullDisk, KillOnFullDisk, SlowDisk
from chaos.faults.fault import Fault
from chaos.faults.process import Kill, Pause, Terminate
from chaos.faults.target import TargetAway, TargetBehaves

FAULTS: Mapping[str, Fault] = {
    "kill": Kill(),
    "pause": Pause(),
    "terminate": Terminate(),
    "full disk": FullDisk(),
    "kill on full disk": KillOnFullDisk(),
    "slow disk": SlowDisk(),
    "failing sync": FailingSync(),
    "clock jump": ClockJump(),
    "target away": TargetAway(),
    "target hangs": TargetBehaves("hang before acting", 1.2, 3.0),
    "target hangs after acting": TargetBehaves("hang after acting", 1.2, 3.0),
    "target drops the answer": TargetBehaves("drop after acting", 0.5, 2.0),
    "target is busy": TargetBehaves("429 before acting", 0.5, 2.0),
    "target is overloaded": TargetBehaves("503 before acting", 0.5, 2.0),
    "broker killed": BrokerKilled(),
    "broker restarted": BrokerRestarted(),
    "broker paused": BrokerPaused(),
}

OTHERS = tuple(name for name in FAULTS if name != "kill")
"""Everything that a kill is not."""
OF_BROKER = tuple(name for name in FAULTS if name.startswith("broker "))
"""What only loads with a broker notice."""
LEAVING_IT_ALIVE = tuple(name for name, fault in FAULTS.items() if fault.around or name in ("pause", "full disk", "failing sync"))
"""What one process lives through."""
