"""When changed manifests have come to rest: a file that is still being written is not applied half."""

import os
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path

from manifests.files import manifests_in
from manifests.stamps import Stamp

QUIET_S = 0.3
"""Seconds without a further change after which what changed is applied. Editors and copies take several steps to save."""
EMPTIED_S = 3.0
"""The same, where a file has become empty: whoever truncates it is about to write it."""
LONGEST_S = 10.0
"""Seconds after which changes are applied though more keep coming."""

Look = Mapping[str, Stamp]
"""What the files look like from outside, by name."""


def look(paths: Sequence[Path]) -> dict[str, Stamp]:
    """Look at every file that `paths` name, as the loader would. What cannot be looked at is not there."""
    found = {}
    for path in paths:
        for name in _files(str(path)):
            try:
                found[name] = Stamp.of(os.stat(name))
            except OSError:
                continue
    return found


def _files(path: str) -> Sequence[str]:
    try:
        return manifests_in(path) if os.path.isdir(path) else [path]
    except OSError:
        return [path]


class Settling:
    """Told what the files look like again and again, it tells when to apply them. Times are seconds of any clock."""

    def __init__(self, applied: Look) -> None:
        self._applied, self._latest = applied, applied
        self._began_s = self._changed_s = 0.0
        self._patient = False
        self.early = False
        """Whether what `rested` allowed last had not been at rest for long: every file of it is known to be whole."""

    @property
    def moving(self) -> bool:
        """Whether something has changed that is not applied."""
        return self._latest != self._applied

    def rested(self, now: Look, at_s: float, whole: Callable[[Collection[str]], bool] = lambda names: False) -> bool:
        """Whether what changed should be applied now. `whole` tells of files whether nobody writes them: they need no rest."""
        if now != self._latest:
            if not self.moving:
                self._began_s = at_s
            self._latest, self._changed_s, self._patient = now, at_s, False
        self.early = False
        if not self.moving:
            return False
        if at_s - self._changed_s >= self._quiet_s() or at_s - self._began_s >= LONGEST_S:
            return True
        self.early = not self._patient and self._whole(whole)
        return self.early

    def wait(self) -> None:
        """What was allowed early has to rest like everything else, until something changes again."""
        self._patient = True

    def _whole(self, whole: Callable[[Collection[str]], bool]) -> bool:
        changed = {name for name, _ in self._applied.items() ^ self._latest.items()}
        return all(name in self._latest and self._latest[name].size for name in changed) and whole(changed)

    def applied(self, look: Look) -> None:
        """`look` is what was applied."""
        self._applied = look

    def _quiet_s(self) -> float:
        emptied = any(not stamp.size and self._had_content(name) for name, stamp in self._latest.items())
        return EMPTIED_S if emptied else QUIET_S

    def _had_content(self, name: str) -> bool:
        former = self._applied.get(name)
        return former is not None and former.size > 0
