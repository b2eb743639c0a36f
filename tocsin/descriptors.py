"""How many files and connections the process may have open.

Most systems start a process with 1,024 and allow many more: the lower limit is kept for programs that use `select`. This one does
not, and at the limit the event loop closes new connections unheard.
"""

import resource

import structlog

WANTED = 65_536
ENOUGH = 2048
"""All connections of the listeners, all attempts at a time, and what is open besides."""

logger = structlog.get_logger()


def raise_limit() -> int:
    """Let the process have as many as the system allows, and say where that is few; return the limit. As Go's runtime does."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = WANTED if hard == resource.RLIM_INFINITY else min(hard, WANTED)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        except (OSError, ValueError):  # a system with a lower limit of its own
            wanted = soft
        soft = wanted
    if soft != resource.RLIM_INFINITY and soft < ENOUGH:
        logger.warning("few_descriptors", limit=soft, hint=f"allow {ENOUGH} open files or more (`ulimit -n`)")
    return soft
