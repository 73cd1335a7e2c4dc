"""Training with a server's store: its log counts beside the files, and whoever asked to be forgotten is in no
bundle that is published, also when they ask while it is trained; nor is one kept that knows them.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Collection
from functools import partial

from vitrina.dataset import Dataset
from vitrina.errors import BundleError, Forgotten
from vitrina.ids import Ids
from vitrina.logged import forgotten_among, logged
from vitrina.readers.kinds import stand_for_purchases
from vitrina.registry import Registry
from vitrina.state.lmdb_store import LmdbStore
from vitrina.state.people import Tombstones
from vitrina.state.store import Store
from vitrina.train import Say, Trained

TRIES = 3
Train = Callable[[Dataset, Callable[[], None]], Trained]
"""Trains on a dataset; publishes only while what it is given raises nothing, see `Registry.publish`."""


def trained_with(
    store: LmdbStore,
    files: Dataset,
    registry: Registry,
    train: Train,
    say: Say,
    weighed: Collection[str] = (),
) -> Trained:
    """Train on files and a store together, while a server goes on writing it. `weighed`: see `logged`.

    Begins anew where somebody asked to be forgotten meanwhile. Raises VitrinaError.
    """
    for left in reversed(range(TRIES)):
        tombstones = Tombstones(store.folder)
        with store.read() as reads:
            dataset, added = logged(files, reads, tombstones, weighed)
        if lone := sorted(dataset.words.keys() - files.words.keys()):
            say(stand_for_purchases(lone))
        say(
            f"the store adds {added.events:,} events ({added.known:,} are in the files already) and what "
            f"was said of {added.items:,} items; {added.forgotten:,} customers asked to be forgotten"
        )
        try:
            trained = train(dataset, partial(_check, store, tombstones, dataset.users))
        except Forgotten as reason:
            if not left:
                raise
            say(f"{reason}; training begins anew")
        else:
            for version in pruned(registry, tombstones):
                say(f"removed {version}: it knew somebody who asked to be forgotten")
            return trained
    raise AssertionError("the last try returns or raises")


def _check(store: Store, tombstones: Tombstones, users: Ids) -> None:
    """Raise Forgotten where one of these customers asked to be forgotten by now."""
    with store.read() as reads:
        if tombstones.look(reads) and forgotten_among(users, tombstones):
            raise Forgotten("somebody asked to be forgotten while the bundle was trained; train again")


def pruned(registry: Registry, tombstones: Tombstones) -> list[str]:
    """Remove bundles that know somebody who asked to be forgotten, but for the current one; which went."""
    gone = []
    for version in registry.versions():
        if version == registry.current():
            continue
        try:
            users = Ids(registry.open(version).parts["ids/users"])  # type: ignore[arg-type]  # an array
        except BundleError:
            continue
        if forgotten_among(users, tombstones):
            shutil.rmtree(registry.path(version))
            gone.append(version)
    return gone
