"""Whether the checkout can do its work."""

from collections.abc import Callable, Mapping

from checkout.errors import Unhealthy

__all__ = ["check_health"]


def check_health(checks: Mapping[str, Callable[[], None]], *, version: str) -> dict[str, str]:
    """Runs every check; each result by name is `ok` (FR-038).

    Raises Unhealthy, naming what failed, where any check raises: whatever the fault is, it is what the check is for.
    """
    results = {name: _run(check) for name, check in checks.items()}
    if set(results.values()) != {"ok"}:
        raise Unhealthy(version=version, checks=results)
    return results


def _run(check: Callable[[], None]) -> str:
    try:
        check()
    except Exception as fault:
        return f"failed: {type(fault).__name__}"
    return "ok"
