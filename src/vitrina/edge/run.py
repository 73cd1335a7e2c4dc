"""The edge as a process: uvicorn over the application, and a broom for pins that have expired."""

from __future__ import annotations

import threading

from vitrina.edge.app import Edge, routes
from vitrina.errors import ServerError

SWEEP_S = 3600.0


def run(edge: Edge, host: str, port: int) -> None:
    """Serve until told to stop. Raises ServerError where uvicorn or starlette is not installed."""
    try:
        import starlette  # noqa: F401 - asked here, so that its absence is one sentence
        import uvicorn
    except ImportError:
        raise ServerError("the edge needs starlette and uvicorn; install vitrina[edge]") from None
    edge.fonts.load(12, bold=True)  # a missing font is said now, not at the first letter
    stopped = threading.Event()
    threading.Thread(target=_sweep, args=(edge, stopped), daemon=True).start()
    try:
        uvicorn.run(routes(edge), host=host, port=port, log_level="warning", server_header=False)
    finally:
        stopped.set()


def _sweep(edge: Edge, stopped: threading.Event) -> None:
    while not stopped.wait(SWEEP_S):
        while edge.pins.sweep(edge.clock()):
            pass
