"""The fault campaign: the real service under load, harmed again and again by a seeded plan, and everything counted.

`faults/` has one module for each kind of harm, `workloads/` one for each kind of load. Each is a class in a table there.
"""
