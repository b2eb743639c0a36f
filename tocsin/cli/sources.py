"""`tocsin sources`."""

from tocsin.cli.objects import objects_group, pausing

command = objects_group("sources", "event source")
pausing(command, "sources", "event source")
