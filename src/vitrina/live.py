"""What happened since training, as the engine sees it: a frozen view, handed in with each batch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple


class Recent(NamedTuple):
    """What somebody did, or was shown, since training: columns of one length, oldest first.

    `item_ids` and `types` are the shop's words, of which a bundle may not know all; `times`: seconds since
    1970 UTC; `numbers`: of each its place in the log that it was read from, where it was.
    """

    item_ids: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    times: tuple[int, ...] = ()
    numbers: tuple[int, ...] = ()


NOTHING = Recent()
Identity = tuple[str, str]
"""A user_id and a visitor_id, as a request has them; either may be empty."""


@dataclass(frozen=True)
class Live:
    """The engine's second input. `now`: seconds since 1970 UTC.

    `did` and `shown`: of those asked for who did or were shown something. `degraded` names what could not
    be asked, such as "store". `whose`: the ids by which else an asker is known, whose histories are theirs
    too; none at all for one who asked to be forgotten.
    """

    now: int
    did: Mapping[Identity, Recent] = field(default_factory=dict)
    shown: Mapping[Identity, Recent] = field(default_factory=dict)
    degraded: tuple[str, ...] = ()
    whose: Mapping[Identity, tuple[str, ...]] = field(default_factory=dict)
