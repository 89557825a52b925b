"""Which idempotency keys a process has met, and what was made under them: one that comes again most likely has its
answer there (FR-714)."""

__all__ = ["SeenKeys"]

MOST_KEYS = 1_000
"""250 KB of them; a retry comes within seconds."""


class SeenKeys:
    """Of one process. It is a guess where to look first, and decides nothing."""

    def __init__(self, most: int = MOST_KEYS) -> None:
        self._most = most
        self._seen: dict[str, str] = {}

    def find(self, key_id: str) -> str | None:
        """The id of what was made under a key, empty where that is not known; None where the key was not noted."""
        return self._seen.get(key_id)

    def note(self, key_id: str, made_id: str = "") -> None:
        """Where there are too many, all are forgotten."""
        if key_id not in self._seen and len(self._seen) >= self._most:
            self._seen = {}
        self._seen[key_id] = made_id
