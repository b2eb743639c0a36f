"""`tocsin sensors`."""

from tocsin.cli.objects import objects_group

command = objects_group("sensors", "sensor")
