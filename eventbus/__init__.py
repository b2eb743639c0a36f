"""The event, the bus contract and the journal; one folder per backend.

The log is dumb: it stores, orders and reads on. Nothing here knows a filter, a condition or a retry schedule.
"""
