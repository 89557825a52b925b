"""The places of a fault, for the log."""

import traceback

__all__ = ["find_places"]

LAST_FRAMES = 6


def find_places(fault: Exception) -> list[str]:
    """Where a fault arose and the calls that led there, the last ones alone and without folders, for the log is paid by
    the byte (FR-705). Neither the message nor the values: they may hold what must not be logged (FR-031)."""
    frames = traceback.extract_tb(fault.__traceback__, limit=-LAST_FRAMES)
    return [f"{'/'.join(frame.filename.split('/')[-2:])}:{frame.lineno} {frame.name}" for frame in frames]
