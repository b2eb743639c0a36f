"""Deciding and acting. Deciding is pure: index, filters, conditions, parameters. Acting: the dispatcher and `triggers/`.

Nothing here knows where events come from; sensors meet sources only on the bus.
"""
