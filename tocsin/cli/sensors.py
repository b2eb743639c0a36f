"""`tocsin sensors`."""

from tocsin.cli.objects import objects_group
from tocsin.cli.pausing import pausing

command = objects_group("sensors", "sensor")
pausing(command, "sensors", "sensor")
