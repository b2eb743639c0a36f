"""The bus on one SQLite file: one process, no broker. Nothing here is imported by other backends."""

from eventbus.sqlite.bus import SqliteBus, open_bus, open_reader
from eventbus.sqlite.options import SqliteOptions

__all__ = ["SqliteBus", "SqliteOptions", "open_bus", "open_reader"]
