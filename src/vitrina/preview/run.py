"""The preview as a process: uvicorn over the application, on this machine's own address and no other."""

from __future__ import annotations

from vitrina.errors import ServerError
from vitrina.preview.app import Preview, routes

HOST = "127.0.0.1"


def run(preview: Preview, port: int) -> None:
    """Serve until told to stop. Raises ServerError where a package is absent or the port is taken."""
    import socket

    try:
        import starlette  # noqa: F401 - asked here, so that its absence is one sentence
        import uvicorn
    except ImportError:
        raise ServerError("the preview needs starlette and uvicorn; install vitrina[preview]") from None
    listening = socket.socket()
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((HOST, port))
        listening.listen()  # who reads the line may look at once
    except OSError as reason:
        raise ServerError(f"cannot listen on {HOST}:{port}: {reason}; choose another --port") from None
    print(f"look at http://{HOST}:{listening.getsockname()[1]}/", flush=True)
    uvicorn.Server(uvicorn.Config(routes(preview), log_level="warning", server_header=False)).run([listening])
