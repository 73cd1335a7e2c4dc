"""A catalogue from what events say of their items, for shops that export none.

Lines of invoices carry the name of what was sold, clicks its category and brand. The commonest value of an
item is taken, as some lines say "damaged" or "?"; the price is that of its latest sale or click. Before its
first event an item could not be had: that it stands in such a catalogue tells that it will be.
"""

# ruff: noqa: S608 - names in queries are ours.
from __future__ import annotations

from collections.abc import Sequence

from vitrina.readers.checks import check_items
from vitrina.readers.columns import CONTRACT, OF_ITEMS
from vitrina.readers.report import TableReport
from vitrina.readers.rows import Staged
from vitrina.readers.scan import Db, answer

SAME = 0.8
"""Share of an item's rows that must say the same: what differs is of the event, as a review's headline."""

_SAID = """
CREATE TABLE said_{name} AS
SELECT item_id, kept_{name} AS {name}, times, sum(times) OVER (PARTITION BY item_id) AS of_all
FROM (SELECT item_id, kept_{name}, count(*) AS times FROM happened WHERE kept_{name} IS NOT NULL GROUP BY ALL)
QUALIFY row_number() OVER (PARTITION BY item_id ORDER BY times DESC, kept_{name}) = 1
"""

_RAW = """
CREATE TABLE raw_items AS
SELECT 0 AS file, row_number() OVER (ORDER BY item_id) AS row, {fields}
FROM (SELECT item_id, CAST(arg_max(price, (us, file, row)) FILTER (price > 0) AS VARCHAR) AS price,
        strftime(make_timestamp(min(us)), '%Y-%m-%d %H:%M:%S') AS available_from
    FROM happened GROUP BY item_id) {joins}
"""


def told(events: Staged) -> list[str]:
    """The columns of events that say what an item is."""
    return [name for name in OF_ITEMS if events.has(name)]


def describe(db: Db, events: Staged, of_items: Sequence[str]) -> tuple[Staged | None, list[str]]:
    """Make the checked table `items` of what `happened` says of them in these columns, as `kept_<column>`;
    None where it says nothing. Returns notes too."""
    names, notes = list[str](), list[str]()
    for name in of_items:
        db.execute(_SAID.format(name=name))
        same = answer(db, f"SELECT sum(times) / sum(of_all) FROM said_{name} WHERE of_all > 1")[0]
        if same is None or same >= SAME:
            names.append(name)
        else:
            notes.append(
                f"{events.columns[name]!r} differs between the rows of an item, so it is not its {name}"
            )
    if not names:
        return None, notes
    known = {name: events.columns[name] for name in ("item_id", *names, "price") if events.has(name)}
    came = {*known, "available_from"} if events.has("timestamp") else known
    fields = (name if name in came else f"NULL::VARCHAR AS {name}" for name in CONTRACT["items"])
    joins = " ".join(f"LEFT JOIN said_{name} USING (item_id)" for name in names)
    db.execute(_RAW.format(fields=", ".join(fields), joins=joins))
    made = Staged("items", events.scans, known, (), (), ())
    return made, [*notes, *check_items(db, made)]


def report(items: Staged, many: int, notes: Sequence[str]) -> TableReport:
    """How a catalogue of `many` items was made, as of a table that came."""
    files = tuple(one.file for one in items.scans)
    made = "no items.*: each item is called what most events call it, at its latest price"
    return TableReport("items", files, many, many, (), items.columns, (), (), (made, *notes))
