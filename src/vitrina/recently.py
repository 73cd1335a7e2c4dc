"""What the store knows of an asker, put into the request: the same words as the session that a site sends."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from vitrina.dataset import as_known
from vitrina.ids import Ids
from vitrina.live import NOTHING, Live, Recent
from vitrina.request import Impression, Request, SessionEvent


@dataclass(frozen=True)
class Recently:
    """Of one bundle: its `items` and event `types`, and what it learned from, which does not count again.

    `since`: the time of its last event, and `trained`, when it was made, 0 where that is not known; seconds
    since 1970 UTC. `logged`: the last of the store's log that it learned from, None for no store; what stands
    behind that came late and counts, whatever its time. `words`: the shop's own for a type.
    """

    items: Ids
    types: tuple[str, ...]
    since: int
    words: Mapping[str, str] = field(default_factory=dict)
    trained: int = 0
    logged: int | None = None

    def told(self, request: Request, live: Live) -> Request:
        """The request, with what its asker did and was shown since training before what it says itself.

        An event of the request that the store has too counts once. Items and types that the bundle does not
        know are left out.
        """
        who = request.identity
        if live.whose and who in live.whose:
            others = live.whose[who]
            request = replace(request, also=others) if others else replace(request, user_id="", visitor_id="")
        if not live.did and not live.shown:
            return request
        did, shown = live.did.get(who, NOTHING), live.shown.get(who, NOTHING)
        if did is NOTHING and shown is NOTHING:
            return request
        events = self._events(did)
        known = {(one.item_id, one.type) for one in events}
        fresh = tuple(one for one in request.events if (one.item_id, one.type) not in known)
        seen = tuple(Impression(item, time) for item, time in zip(shown.item_ids, shown.times, strict=True))
        return replace(request, events=events + fresh, shown=request.shown + seen)

    def _events(self, did: Recent) -> tuple[SessionEvent, ...]:
        if not did.item_ids:
            return ()
        known = np.asarray(self.items.rows(did.item_ids)) >= 0
        fresh = [known and late for known, late in zip(known.tolist(), self._fresh(did), strict=True)]
        columns = zip(did.item_ids, did.types, did.times, fresh, strict=True)
        kinds = (
            (item, as_known(kind, self.types, self.words), time) for item, kind, time, one in columns if one
        )
        return tuple(SessionEvent(*one) for one in kinds if one[1] in self.types)

    def _fresh(self, did: Recent) -> list[bool]:
        """Which of it the bundle does not know.

        By time alone, a row of the shop's that bears a date to come must not silence what is done until then:
        what was done after training cannot have been learned. Where the log tells, it needs no such guess: an
        event that was learned may bear a time after training, by a clock ahead of the trainer's.
        """
        if self.logged is None or not did.numbers:
            since = min(self.since, self.trained or self.since)
            return [time > since for time in did.times]
        pairs = zip(did.times, did.numbers, strict=True)
        return [time > self.since or number > self.logged for time, number in pairs]
