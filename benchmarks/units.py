"""Read and write units by DynamoDB's published rules, from the sizes of items.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/on-demand-capacity-mode.html
"""

import math
from collections.abc import Mapping
from typing import Any

__all__ = ["count_read", "count_write", "item_size"]

WireItem = Mapping[str, Mapping[str, Any]]


def item_size(item: WireItem) -> int:
    """Bytes of an item as DynamoDB counts them: names and values."""
    return sum(len(name.encode()) + _value_size(value) for name, value in item.items())


def _value_size(value: Mapping[str, Any]) -> int:
    [(kind, content)] = value.items()
    match kind:
        case "S":
            return len(str(content).encode())
        case "N":
            digits = str(content).lstrip("-").replace(".", "").strip("0") or "0"
            return math.ceil(len(digits) / 2) + 1 + str(content).startswith("-")
        case "BOOL" | "NULL":
            return 1
        case "L":
            return 3 + sum(1 + _value_size(element) for element in content)
        case "SS":
            return 3 + sum(1 + len(element.encode()) for element in content)
        case "M":
            return 3 + sum(1 + len(name.encode()) + _value_size(element) for name, element in content.items())
        case _:
            raise ValueError(f"no item here has a value of type {kind}")


def count_write(*sizes: int, transactional: bool = False) -> int:
    """One for each KB begun of the larger of an item before and after, one at least; twice in a transaction."""
    return max(1, math.ceil(max(sizes, default=0) / 1024)) * (2 if transactional else 1)


def count_read(size: int, *, consistent: bool) -> float:
    """One for each 4 KB begun of what is read, one at least; half where the answer may be a moment old."""
    return max(1, math.ceil(size / 4096)) * (1 if consistent else 0.5)
