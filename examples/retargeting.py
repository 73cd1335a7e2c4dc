"""A retargeting export: who left the shop with something in mind, and what to show them elsewhere.

    python examples/retargeting.py --registry .demo/registry --out ads.csv

Never the very product that was viewed, never anything bought; who may not be addressed, by consent or by the
contact policy, is not in the file.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from vitrina.audience.entries import Known, entries
from vitrina.audience.facts import facts
from vitrina.audience.files import write_csv
from vitrina.audience.plan import parse_plan
from vitrina.contact.policy import parse_policy
from vitrina.engine import Engine
from vitrina.registry import Registry

PLAN = {
    "left": {"is": "abandoned_view", "placement": "retargeting", "until_days": 14},
    "lost": {"is": "win_back", "placement": "discover", "after_days": 30},
}
POLICY = {"channels": {"retargeting": {"paid": True, "caps": [{"times": 5, "days": 7}]}}}


def export(registry: Path, out: Path) -> int:
    """Write the file; how many people are in it."""
    engine = Engine.open(Registry(registry).path())
    now = engine.moment  # as on the last day of the data; a live shop takes time.time()
    shop, known = facts(engine, now), Known.nothing()
    found = entries(engine, parse_plan(PLAN), parse_policy(POLICY), shop, known, now)
    return write_csv((one for batch, _ in found for one in batch), out)


if __name__ == "__main__":
    said = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    said.add_argument("--registry", type=Path, default=Path(".demo/registry"))
    said.add_argument("--out", type=Path, default=Path("ads.csv"))
    told = said.parse_args()
    print(f"{export(told.registry, told.out)} people in {told.out}")
