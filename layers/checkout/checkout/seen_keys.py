"""Which idempotency keys a process has met: one that comes again has its answer in the table, most likely (FR-714)."""

__all__ = ["SeenKeys"]

MOST_KEYS = 1_000
"""160 KB of them; a retry comes within seconds."""


class SeenKeys:
    """Of one process. It is a guess where to look first, and decides nothing."""

    def __init__(self, most: int = MOST_KEYS) -> None:
        self._most = most
        self._seen: set[str] = set()

    def note(self, key_id: str) -> bool:
        """Whether the key was noted before; where there are too many, all are forgotten."""
        if key_id in self._seen:
            return True
        if len(self._seen) >= self._most:
            self._seen = set()
        self._seen.add(key_id)
        return False
