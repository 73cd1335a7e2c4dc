"""Make the golden bundle of the format that Vitrina writes today: `python tests/golden/make.py`.

A golden bundle is made once a format, before the first release that writes it, and is kept for ever:
every later Vitrina opens it and answers as was written down beside it. So this refuses to overwrite one.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from forged import every_placement, train

from vitrina import bundle, strategies
from vitrina.engine import Engine
from vitrina.filters import Filter
from vitrina.live import Live
from vitrina.request import Block, Request, SessionEvent

HERE = Path(__file__).resolve().parent
STRATEGIES = (
    *("bought_together", "buy_again", "ease", "image_similar"),
    *("item_knn", "popular", "rp3beta", "user_knn"),
)
"""Those of format 1's first release; a later strategy needs no other golden bundle."""
TABLES = {name: asdict(strategies.make(name, {})) for name in STRATEGIES}
"""Every hyperparameter is written into the bundle, so that no later default changes what it answers."""
VISIT = (SessionEvent("i01"), SessionEvent("i05", "cart"), SessionEvent("i09", "purchase"))


def questions() -> list[Request]:
    """What every later version must answer alike: known, visiting and strange, with filters and pages."""
    placements = [name for name in every_placement(TABLES) if name != "version"]
    asked = [
        Request((Block(name, 6),), user_id=user, context_item_ids=("i03", "i07"), events=events)
        for name in placements
        for user, events in (("u1", ()), ("u5", VISIT), ("", VISIT))
    ]
    narrow = Block("home", 5, Filter(brands=("brand 1", "brand 2")), exclude_item_ids=("i02",))
    chosen = Block("home", 0, candidate_item_ids=("i10", "i04", "i02", "nobody-knows"))
    return [
        *asked,
        Request((narrow, Block("popular_history", 4)), user_id="u2", region="north"),
        Request((chosen,), visitor_id="u3", page_item_ids=("i04",)),
        Request((Block("home"),), user_id="stranger", context_item_ids=("nobody-knows",)),
    ]


def answered(engine: Engine, asked: list[Request]) -> list[list[dict[str, object]]]:
    """For each request its lists: item ids, scores, the seeds and rules of reasons."""
    answers = engine.recommend(asked, Live(engine.last_event))
    return [
        [
            {
                "items": [item.item_id for item in block.items],
                "scores": [round(item.score, 9) for item in block.items],
                "reasons": [[item.reason.source, *item.reason.seed_item_ids] for item in block.items],
                "fallback": block.fallback_level,
            }
            for block in answer.blocks
        ]
        for answer in answers
    ]


def main() -> int:
    """Write the bundle and its answers, once."""
    home = HERE / f"format{bundle.FORMAT}"
    if home.exists():
        sys.stderr.write(f"{home} is golden and stays as it is; a new format gets a new one\n")
        return 1
    with tempfile.TemporaryDirectory() as draft:
        stored = bundle.write(train(TABLES), Path(draft) / "made")
        assert stored.path is not None
        asked = questions()
        said = answered(Engine.of(bundle.verify(stored.path)), asked)
        pairs = [{"request": asdict(one), "blocks": blocks} for one, blocks in zip(asked, said, strict=True)]
        lines = ",\n".join(json.dumps(one, sort_keys=True) for one in pairs)
        (Path(draft) / "made" / "answers.json").write_text(f"[\n{lines}\n]\n")
        shutil.copytree(Path(draft) / "made", home)
    sys.stdout.write(f"made {home}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
