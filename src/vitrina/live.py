"""What happened since training, as the engine sees it: a frozen view, handed in with each batch."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Live:
    """The engine's second input. `now`: seconds since 1970 UTC."""

    now: int
