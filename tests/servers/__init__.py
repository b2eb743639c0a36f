"""Real servers for the tests: how each is got, started, killed, and stopped by its own process id.

One module a server, with `fetch()` (get its program into the cache) and a class that runs it. `fixtures.py` has their
fixtures, and `python -m servers` fetches all of them, which is the set-up of `make test`.
"""
