"""Placements: where lists stand, and how each is mixed and ruled. TOML in, frozen words out.

    version = "grocery-1"
    extends = "standard.toml"              # beside this file; its placements, unless named again; or
                                           # "bundled": those of whatever bundle is served
    [home]
    sources = [{ strategy = "item_knn", weight = 1.0, seeds = "history" }]
    fallback = ["trending", "popular"]     # in this order, while a list is short
    rebuy = "always"                       # or "never", "when_due", { after_days = 30 }
    [home.filter]                          # a key may be a table: see `tables`
    none = [{ tags = ["adult"] }]

A placement that is named again overrides the keys it gives, and keeps the others. Knows nothing of
recipes: a source that the bundle did not fit is left out when the engine opens.

    placement   the nouns
    tables      tables to nouns, and every fault in them
    files       files to tables, and where in them each key stands
    changes     what differs between two
"""

from __future__ import annotations

from vitrina.placements.changes import changes
from vitrina.placements.files import Read, over, read_placements, read_tables, stamped
from vitrina.placements.placement import (
    BOUGHT,
    MAX_LIMIT,
    QUESTIONS,
    SEEDS,
    THEMSELVES,
    Mix,
    Placement,
    Placements,
    Rebuy,
    Soft,
)
from vitrina.placements.tables import Fault, faults, parse_placements, strangers

__all__ = [
    "BOUGHT",
    "MAX_LIMIT",
    "QUESTIONS",
    "SEEDS",
    "THEMSELVES",
    "Fault",
    "Mix",
    "Placement",
    "Placements",
    "Read",
    "Rebuy",
    "Soft",
    "changes",
    "faults",
    "over",
    "parse_placements",
    "read_placements",
    "read_tables",
    "stamped",
    "strangers",
]
