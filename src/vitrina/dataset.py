"""What a shop knows, as frozen columns: events, catalogue, people.

Knows arrays only: reading files is `readers`, storing them is `bundle`. Times are int64 seconds
since 1970 UTC; a dataset without timestamps counts events instead and says so (`timed`).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from vitrina.catalog import PATH, Attribute, Catalog
from vitrina.ids import UNKNOWN, Ids, Rows
from vitrina.kernels.returns import unreturned
from vitrina.kernels.sparse import Csr, compress

__all__ = ["COLUMNS", "DAY", "PATH", "PURCHASE", "TYPES", "Attribute", "Catalog", "Dataset", "Events"]

DAY = 86_400
Places = NDArray[np.int64] | slice
PURCHASE, VIEW, CART, REMOVE, RETURN = range(5)
TYPES = ("purchase", "view", "cart", "remove", "return")
UNLIKED = ("remove", "return")
"""What nobody shows a liking by."""
NOT_DONE = ("impression", "search")
"""What is logged, and is nothing that somebody did to an item."""
INDIFFERENT = (*UNLIKED, *NOT_DONE)
"""What tells of no liking that a list should foretell."""
CUTS = ("time", "last", "lot")
"""The last days, where there are times; each customer's last order; what a lot draws of each one's."""
REGULAR = 0.99
"""Share of customers who came less often than a regular: who came more may be a till, or a robot."""
_SAME = {"click": "view"}


def as_known(name: str, types: Sequence[str], words: Mapping[str, str] = MappingProxyType({})) -> str:
    """A type of event, or the one that says the same where a shop's data do not tell them apart.

    `words`: a shop's own, see `Dataset`.
    """
    return name if name in types else words.get(name, _SAME.get(name, name))


def lone_words(happened: Collection[str], weighed: Collection[str]) -> dict[str, str]:
    """A shop's own event types as purchases, where all that anybody liked came under them; else none.

    `happened`: types, known and own; `weighed`: those that its recipe weighs. A shop with purchases, views
    or carts, or with a weight for a type of its own, says itself what its types are worth.
    """
    liked = set(happened).difference(INDIFFERENT)
    told = liked.intersection(TYPES) or liked.intersection(weighed)
    return {} if told else dict.fromkeys(sorted(liked), TYPES[PURCHASE])


COLUMNS: Mapping[str, type] = {
    **dict.fromkeys(("user", "item", "visit"), np.int32),
    "time": np.int64,
    "type": np.uint8,
    **dict.fromkeys(("quantity", "price"), np.float32),
    "gift": np.bool_,
}
"""The columns of `Events`."""


@dataclass(frozen=True)
class Events:
    """Who did what with which item, oldest first; all columns have one length.

    `user`, `item`, `visit`: int32 rows, `visit` being the order or session that holds the event;
    UNKNOWN (-1) where there is none. `time`: int64. `type`: uint8 into `Dataset.types`.
    `quantity`, `price` (of one unit, NaN unknown): float32. `gift`: bool, whether it was for somebody
    else; by default nothing was.
    """

    user: Rows
    item: Rows
    visit: Rows
    time: NDArray[np.int64]
    type: NDArray[np.uint8]
    quantity: NDArray[np.float32]
    price: NDArray[np.float32]
    gift: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, np.bool_))

    def __post_init__(self) -> None:
        if not len(self.gift):
            object.__setattr__(self, "gift", np.zeros(len(self.item), np.bool_))

    def __len__(self) -> int:
        return len(self.item)

    def take(self, where: NDArray[np.bool_] | NDArray[np.intp] | slice) -> Events:
        """The chosen events, in order."""
        return Events(*(getattr(self, name)[where] for name in self.__dataclass_fields__))


@dataclass(frozen=True)
class Dataset:
    """A shop: id maps, events (oldest first), catalogue, attributes of people, looks of items.

    `vectors`: float32[items, d], what a network made of each item's photo; `colours`: float32[items,
    c], histograms of it. A row of zeros is an item without a photo; None a shop without vectors.
    `thumbnails`: uint8[items, t], the photos as tiles. `encoder`: the network that made the vectors, as
    `images.encoder` names it, '' where that is not known.
    `sessions`: visits came as sessions, not as orders: their rows are in order, also where one moment
    or no time is given.
    `counted`: a column counted what each customer did, row by row or order by order, or what was done in each
    visit of nobody known, in place of times.
    `dayed`: visits were not told, but made of days.
    `held_out`: what is held out of it to choose and to judge by, one of `CUTS`.
    `words`: event types of the shop's own that stand for one of `types`, see `lone_words`.
    `logged`: the last of a store's log that is in it, None for no store.
    """

    users: Ids
    items: Ids
    events: Events
    catalog: Catalog
    types: tuple[str, ...] = TYPES
    people: Mapping[str, Attribute] = field(default_factory=dict)
    timed: bool = True
    vectors: NDArray[np.float32] | None = None
    colours: NDArray[np.float32] | None = None
    thumbnails: NDArray[np.uint8] | None = None
    encoder: str = ""
    sessions: bool = False
    counted: bool = False
    dayed: bool = False
    held_out: str = CUTS[0]
    words: Mapping[str, str] = field(default_factory=dict)
    logged: int | None = None

    @property
    def end(self) -> int:
        """The time of the last event; 0 where there is none."""
        return int(self.events.time[-1]) if len(self.events) else 0

    def before(self, time: int) -> Dataset:
        """The same shop as it knew itself just before `time`."""
        return replace(self, events=self.events.take(slice(0, self._place(time))))

    def since(self, time: int) -> Dataset:
        """What happened at `time` or later."""
        return replace(self, events=self.events.take(slice(self._place(time), None)))

    def of_users(self, keep: NDArray[np.bool_]) -> Dataset:
        """The shop without its other users: neither ids nor events. `keep`: by row."""
        rows = np.append(np.where(keep, np.cumsum(keep) - 1, UNKNOWN), UNKNOWN).astype(np.int32)
        events = self.events.take(np.append(keep, True)[self.events.user])
        people = {name: replace(one, codes=one.codes[keep]) for name, one in self.people.items()}
        users, events = Ids(self.users.sorted[keep]), replace(events, user=rows[events.user])
        return replace(self, users=users, events=events, people=people)

    def settled(self) -> Dataset:
        """The same shop without what was sent back, and without the returns themselves.

        Each return takes its quantity from the latest earlier purchases of the same actor and item;
        a purchase keeps what is left of it. Settle after `before`: a later return is not yet known.
        """
        events = self.events
        returns = events.type == RETURN
        if not returns.any():
            return self
        actors = self.actors
        returning = np.zeros(int(actors.max(initial=UNKNOWN)) + 2, np.bool_)
        returning[actors[returns]] = True
        returning[UNKNOWN] = False
        traded = np.flatnonzero((returns | (events.type == PURCHASE)) & returning[actors])
        order = traded[np.lexsort((traded, events.item[traded], actors[traded]))]
        left = unreturned(order, actors, events.item, returns, events.quantity)
        keep = ~returns & ((events.type != PURCHASE) | (left > 0) | (events.quantity == 0))
        settled = replace(events, quantity=left.astype(np.float32)).take(keep)
        return replace(self, events=settled)

    def _place(self, time: int) -> int:
        return int(np.searchsorted(self.events.time, time, side="left"))

    @property
    def actors(self) -> Rows:
        """int32 per event: the user's row, or for an anonymous event its visit, after all users."""
        user, visit = self.events.user, self.events.visit
        if user.min(initial=0) >= 0:
            return user
        anonymous = np.where(visit >= 0, visit + np.int32(len(self.users)), np.int32(UNKNOWN))
        return np.where(user >= 0, user, anonymous)

    @property
    def moments(self) -> NDArray[np.int64]:
        """int64 per event: equal for what was done at once in a visit. Rows of sessions are in order, also
        where their times are days."""
        return np.arange(len(self.events)) if self.sessions else self.events.time

    def weights(self, by_type: Mapping[str, float], half_life_days: float) -> NDArray[np.float32]:
        """float32 per event: its type's weight, halved every `half_life_days` before the end.

        A type that `by_type` does not name weighs nothing; a half-life of 0 means no decay.
        """
        table = self.type_weights(by_type)
        weights: NDArray[np.float32] = table[self.events.type]
        if half_life_days > 0:
            weights = weights * np.exp2(-self.age_days() / half_life_days).astype(np.float32)
        return weights

    def age_days(self, where: Places = slice(None)) -> NDArray[np.float64]:
        """float64 per event at these places: days before the last one. Without times they are guessed: see
        `_spread`."""
        if self.timed:
            return (self.end - self.events.time[where]) / DAY
        return self._spread[where]

    @cached_property
    def _spread(self) -> NDArray[np.float64]:
        """float64 per event: days before the last one, if everybody came at random moments of the same span,
        and regulars daily: the i-th of n such moments is expected at i / (n + 1) of the span. So the last
        visit of one who came often is of late, and that of one who came once may be of any day. What is of no
        customer or no visit is of the last day, and so is everything where hardly anybody came twice."""
        user, visit = self.events.user, self.events.visit
        known = np.flatnonzero((user >= 0) & (visit >= 0))
        _, first, which = np.unique(visit[known], return_index=True, return_inverse=True)
        owner = user[known[first]]
        order = np.lexsort((-first, owner))
        many = np.bincount(owner, minlength=len(self.users))
        later = np.empty(len(first))
        later[order] = np.arange(len(first)) - (np.cumsum(many) - many)[owner[order]]
        age = np.zeros(len(user))
        regular = np.quantile(many[many > 0], REGULAR, method="higher") if len(first) else 0
        if regular > 1:
            age[known] = np.maximum((later + 1) * (regular + 1) / (many[owner] + 1) - 1, 0)[which]
        return age

    def type_weights(self, by_type: Mapping[str, float]) -> NDArray[np.float32]:
        """float32 per event type, in the order of `types`."""
        return np.array([by_type.get(name, 0.0) for name in self.types], np.float32)

    def matrix(self, weights: NDArray[np.float32]) -> Csr:
        """Items x actors, the weights of repeated pairs added up; events of weight 0 left out."""
        actors = self.actors
        n_actors = int(max(len(self.users), actors.max(initial=-1) + 1))
        weighed = np.where(weights > 0, actors, np.int32(UNKNOWN))
        return compress(self.events.item, weighed, weights, (len(self.items), n_actors))

    def baskets(self) -> Csr:
        """Visits x items over purchases: what was bought together, with the quantity bought."""
        visit = np.where(self.events.type == PURCHASE, self.events.visit, np.int32(UNKNOWN))
        n_visits = int(visit.max(initial=-1) + 1)
        quantity = np.maximum(self.events.quantity, np.float32(1e-6))
        return compress(visit, self.events.item, quantity, (n_visits, len(self.items)))
