"""The fault campaign: the real service under load, killed again and again by a seeded plan, and everything counted."""
