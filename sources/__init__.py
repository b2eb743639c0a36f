"""Where events come from: one file per kind with its spec, one shared HTTP listener, one table of signature schemes.

A source knows its protocol and `emit`. It never knows who reads the log.
"""
