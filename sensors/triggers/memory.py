"""What triggers remember across restarts."""

import time
from datetime import timedelta

import structlog

from eventbus.contract import StateStore
from eventbus.errors import BusError

logger = structlog.get_logger(__name__)


class Memory:
    """Small records, which expire. Without a store nothing is remembered here: for triggers outside of a service."""

    def __init__(self, store: StateStore | None = None) -> None:
        self._store = store

    async def recall(self, key: str) -> str:
        """The record `key`; empty where there is none. Raises errors of the bus."""
        found = None if self._store is None else await self._store.get(_stored(key))
        return "" if found is None else found[0].decode()

    async def keep(self, key: str, text: str, lasting: timedelta) -> None:
        """Remember `text` from now on. Where that cannot be written now it is said, and no error: what led to it is done."""
        if self._store is None:
            return
        expires_us = int((time.time() + lasting.total_seconds()) * 1_000_000)
        try:
            await self._store.put(_stored(key), text.encode(), expires_us=expires_us)
        except BusError as exc:
            logger.warning("trigger_memory_not_written", record=key, reason=str(exc))

    async def aclose(self) -> None:
        """Do nothing: the store is the bus's."""


def _stored(key: str) -> str:
    return f"trigger/{key}"
