"""Scenarios: the real deciding and acting on a clock of its own, with targets that answer as they are told."""
