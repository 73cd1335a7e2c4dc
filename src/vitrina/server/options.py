"""How a server was asked to run: read once by the supervisor, handed to each worker on its input."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True)
class Options:
    """What `vitrina serve` may be told. Times are seconds; `port` 0 means any free one.

    `host`: the address to listen on; by default only this machine reaches it. `as_of`: the time that
    answers are given for, seconds since 1970 UTC; None is the clock. `placements`: a file that replaces
    the bundle's own. `metrics_port` 0 serves none. `in_flight`: calls that one worker holds at once;
    `wait_s`: how long one of them may queue; `grace_s`: how long a stop waits for them.
    """

    registry: Path
    port: int = 50051
    workers: int = 1
    host: str = "127.0.0.1"
    as_of: int | None = None
    placements: Path | None = None
    metrics_port: int = 0
    token_key_file: Path | None = None
    reflection: bool = False
    in_flight: int = 256
    wait_s: float = 0.25
    grace_s: float = 10.0
    uvloop: bool = True
    log_calls: bool = True


@dataclass(frozen=True)
class Order:
    """What a worker is told: the options, the port that was picked, and the key that signs tokens."""

    options: Options
    port: int
    token_key: bytes

    def to_json(self) -> str:
        """One line."""
        options = {
            name: str(one) if isinstance(one, Path) else one for name, one in asdict(self.options).items()
        }
        return json.dumps({"options": options, "port": self.port, "token_key": self.token_key.hex()})

    @classmethod
    def of_json(cls, line: str) -> Order:
        """What `to_json` wrote."""
        told = json.loads(line)
        options = told["options"]
        for name in ("registry", "placements", "token_key_file"):
            options[name] = options[name] and Path(options[name])
        return cls(Options(**options), told["port"], bytes.fromhex(told["token_key"]))
