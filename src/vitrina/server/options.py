"""How a server was asked to run: read once by the supervisor, handed to each worker on its input."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from vitrina.state.store import Ack

FRONTS = ("grpc", "envoy")

_PATHS = (
    "registry",
    "placements",
    "token_key_file",
    "run_dir",
    "tokens",
    "tls_cert",
    "tls_key",
    "tls_client_ca",
    "audiences",
    "contact",
    "store",
    "sentences",
)


@dataclass(frozen=True)
class Options:
    """What `vitrina serve` may be told. Times are seconds; `port` 0 means any free one.

    `host`: the address to listen on; by default only this machine reaches it. `as_of`: the time that
    answers are given for, seconds since 1970 UTC; None is the clock. `placements`: a file that replaces
    the bundle's own. `metrics_port` 0 serves none. `admin_port`: where ModelService listens, on
    `admin_host`; 0 serves none. `run_dir`: where the workers' copy of the bundle lies, by default the
    system's folder for temporary files. `in_flight`: calls that one worker holds at once;
    `wait_s`: how long one of them may queue; `grace_s`: how long a stop waits for them. `health_port`: where
    health listens alone, beside its place on `port`; 0 for no such port. `tokens`: the file of who may ask
    what; None admits everybody. `visitor_rate`, `visitor_burst`: calls a second, and at once, that this host
    answers one visitor where there are tokens. `tls_*`: PEM files; `tls_client_ca` asks clients for
    certificates. `audiences`, `contact`: the plan of triggers and the contact policy of exports. `store`:
    the folder where events are kept, None for nowhere; `ack`: when one counts as kept (see `state/store.py`);
    `keep_days`: for how long. `sentences`: the shop's own catalogues of messages (see `wording.py`), read
    when a worker starts. `front`: what carries the calls, grpc or envoy. `web_origins`: whose pages may call
    the front envoy.
    """

    registry: Path
    port: int = 50051
    workers: int = 1
    host: str = "127.0.0.1"
    as_of: int | None = None
    placements: Path | None = None
    metrics_port: int = 0
    admin_port: int = 0
    admin_host: str = "127.0.0.1"
    run_dir: Path | None = None
    token_key_file: Path | None = None
    tokens: Path | None = None
    visitor_rate: float = 20.0
    visitor_burst: float = 100.0
    tls_cert: Path | None = None
    tls_key: Path | None = None
    tls_client_ca: Path | None = None
    audiences: Path | None = None
    contact: Path | None = None
    store: Path | None = None
    ack: Ack = "durable"
    keep_days: int = 400
    sentences: Path | None = None
    health_port: int = 0
    reflection: bool = False
    front: str = "grpc"
    web_origins: tuple[str, ...] = ()
    in_flight: int = 256
    wait_s: float = 0.25
    grace_s: float = 10.0
    uvloop: bool = True
    log_calls: bool = True


@dataclass(frozen=True)
class Order:
    """What a worker is told: the options, the port that was picked, the key that signs tokens, and the
    folder of this run."""

    options: Options
    port: int
    token_key: bytes
    folder: Path

    def to_json(self) -> str:
        """One line."""
        options = {
            name: str(one) if isinstance(one, Path) else one for name, one in asdict(self.options).items()
        }
        return json.dumps(
            {
                "options": options,
                "port": self.port,
                "token_key": self.token_key.hex(),
                "folder": str(self.folder),
            }
        )

    @classmethod
    def of_json(cls, line: str) -> Order:
        """What `to_json` wrote."""
        told = json.loads(line)
        options = told["options"]
        for name in _PATHS:
            options[name] = options[name] and Path(options[name])
        options["web_origins"] = tuple(options["web_origins"])
        return cls(Options(**options), told["port"], bytes.fromhex(told["token_key"]), Path(told["folder"]))


def address(host: str, port: int) -> str:
    """host:port as gRPC reads it."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
