"""Rules that take long are asked in a process beside the event loop: which they are, the helper, and what it is told and tells.

What a rule answers does not depend on where it is asked: the same code compiles and asks it, within the same bounds.
"""
