"""The bus in memory: the contract in the plainest words, for tests and for deciding without a store.

It keeps all it was given and looks through all of it at each question.
"""

from eventbus.memory.bus import MemoryBus
from eventbus.memory.stored import Stored

__all__ = ["MemoryBus", "Stored"]
