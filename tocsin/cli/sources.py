"""`tocsin sources`."""

from tocsin.cli.objects import objects_group

command = objects_group("sources", "event source")
