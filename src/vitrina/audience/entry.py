"""One entry of an audience: plain words, for whoever finds, sends or reads it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Entry:
    """Somebody to address. `trigger_id`: the same whenever the same thing is found; times: seconds since 1970
    UTC; `about_item_ids`: what it is about; `item_ids`: what to show; `hour_opens`: own opens behind
    `send_at`; `reason`: of the channel and the moment."""

    trigger_id: str
    trigger: str
    user_id: str
    since: int
    until: int
    about_item_ids: tuple[str, ...]
    item_ids: tuple[str, ...]
    channel: str
    send_at: int
    hour_opens: int
    reason: str
