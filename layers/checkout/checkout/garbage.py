"""How often Python looks for garbage: seldom while a function starts, when all that is made stays (FR-715).

By default it looks whenever 700 are new, or 2,000 since Python 3.13: many times in a start. With the first call that is
set back: what requests leave may be found by a search alone, and must not pile up.
"""

import gc

__all__ = ["search_as_usual", "search_seldom"]

SELDOM = 50_000
USUAL = gc.get_threshold()


def search_seldom() -> None:
    gc.set_threshold(SELDOM, *USUAL[1:])


def search_as_usual() -> None:
    gc.set_threshold(*USUAL)
