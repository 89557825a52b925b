"""A port that is found for a program is still free when that has started."""

from pathlib import Path

import pytest

from local import child_process
from local.child_process import PORTS, ChildProcessFailed, find_free_port, is_free
from local.wsgi import serve_application

GIVEN = Path("/proc/sys/net/ipv4/ip_local_port_range")
FIRST = int(GIVEN.read_text(encoding="ascii").split()[0]) if GIVEN.exists() else 0


@pytest.mark.proves("FR-035")
@pytest.mark.skipif(PORTS.stop > FIRST, reason="the system gives them all, or does not tell which.")
def test_it_is_none_that_the_system_gives_to_whoever_asks_for_any() -> None:
    assert max(find_free_port() for _ in range(1000)) < FIRST


@pytest.mark.proves("FR-035")
def test_nobody_listens_there() -> None:
    port = find_free_port()
    assert is_free(port)
    with serve_application(lambda *_: [], port, threaded=False):
        assert not is_free(port)


@pytest.mark.proves("FR-035")
def test_the_search_ends_where_none_is_free(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(child_process, "is_free", lambda _: False)
    with pytest.raises(ChildProcessFailed, match="no port is free"):
        find_free_port()
