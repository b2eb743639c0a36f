"""What the service costs, measured beside a plain aiohttp handler in the same run. Started by `make bench`."""
