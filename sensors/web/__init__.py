"""Outgoing HTTP for all that calls a URL: one client, what it may reach, how it does TLS. The only user of aiohttp here."""
