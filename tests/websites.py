"""Websites of ours that stand on a free port of this machine for as long as a test looks at them."""

from __future__ import annotations

import http.client
import threading
import time
from contextlib import contextmanager


@contextmanager
def standing(app):
    """The port where an ASGI application answers."""
    import uvicorn

    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = True
        thread.join(timeout=20)


def get(port, path, **headers):
    """One GET: the answer, and its body."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    connection.request("GET", path, headers=headers)
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer, body
