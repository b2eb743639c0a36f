"""`tocsin sources`."""

from tocsin.cli.objects import objects_group
from tocsin.cli.pausing import pausing

command = objects_group("sources", "event source")
pausing(command, "sources", "event source")
