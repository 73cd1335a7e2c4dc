"""Checked events to columns: ids to rows, visits to numbers, everything in the order of time."""

# ruff: noqa: S608 - names in queries are ours; what a shop wrote goes through `scan.literal`.
from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from vitrina.dataset import COLUMNS, Events
from vitrina.ids import UNKNOWN, Ids
from vitrina.readers.columns import plain
from vitrina.readers.rows import Staged
from vitrina.readers.scan import Db, answer, literal
from vitrina.spill import Spill

_HAPPENED = """
CREATE TABLE happened AS
SELECT file, row, us, item_id, user_id,
    CASE WHEN quantity_number < 0 THEN 'return' ELSE kind END AS kind,
    abs(quantity_number) AS quantity, price_number AS price, given_away,
    CASE WHEN order_id IS NOT NULL THEN 'o' || order_id || {order_of}
         WHEN session_id IS NOT NULL THEN 's' || session_id || {session_of}
         WHEN kind = 'purchase' AND quantity_number > 0 AND user_id IS NOT NULL
         THEN 'd' || user_id || '/' || CAST(us // 86400000000 AS VARCHAR)
         WHEN user_id IS NULL AND visitor_id IS NOT NULL
         THEN 'v' || visitor_id || coalesce('/' || CAST(us // 86400000000 AS VARCHAR), '')
    END AS visit_id{kept}
FROM (SELECT * FROM events WHERE reason IS NULL {once})
"""
_SHARED = """
CREATE OR REPLACE TABLE shared_{one} AS SELECT {one} FROM events WHERE reason IS NULL AND {one} IS NOT NULL
GROUP BY {one} HAVING min({who}) <> max({who})
"""
_OF = "CASE WHEN {one} IN (FROM shared_{one}) THEN coalesce('/' || {who}, '') ELSE '' END"
_SECONDS = "ga_session_id"
"""Sessions that are called by the second in which they began: those of one are not one."""
_ONCE = "QUALIFY event_id IS NULL OR row_number() OVER (PARTITION BY event_id ORDER BY file, row) = 1"

_VISITS = """
CREATE TABLE visits AS
SELECT visit_id, row_number() OVER (ORDER BY min(us), visit_id) - 1 AS code
FROM happened WHERE visit_id IS NOT NULL GROUP BY visit_id
"""

_COLUMNS = """
SELECT CAST(coalesce(user_ids.code, {unknown}) AS INTEGER) AS user, item_ids.code AS item,
    CAST(coalesce(visits.code, {unknown}) AS INTEGER) AS visit,
    us // 1000000 AS time, CAST(list_position([{types}], kind) - 1 AS UTINYINT) AS type,
    CAST(quantity AS FLOAT) AS quantity, CAST(coalesce(price, 'nan') AS FLOAT) AS price,
    given_away AS gift
FROM happened JOIN item_ids ON item_id = item_ids.id LEFT JOIN user_ids ON user_id = user_ids.id
    LEFT JOIN visits USING (visit_id)
ORDER BY us, file, row
"""


_BATCH = 1 << 20


def order_events(db: Db, staged: Staged, keep: Sequence[str] = ()) -> list[str]:
    """Make the table `happened`: good events with their visit, counted in the order of time.

    A negative quantity becomes a return; rows that repeat an event_id count once. `keep`: columns of the
    contract for `read_texts`. Returns notes.
    """
    once, kept = _ONCE if staged.has("event_id") else "", "".join(f", {one} AS kept_{one}" for one in keep)
    whose = {"order_id": "user_id", "session_id": _of_sessions(db, staged)}
    shared = {one: _shared(db, one, who) for one, who in whose.items() if staged.has(one)}
    order_of, session_of = (
        _OF.format(one=one, who=who) if shared.get(one) else "''" for one, who in whose.items()
    )
    db.execute(_HAPPENED.format(once=once, kept=kept, order_of=order_of, session_of=session_of))
    good, turned, happened, by_day, visitors, given = answer(
        db,
        """SELECT (SELECT count(*) FROM events WHERE reason IS NULL),
            (SELECT count(*) FROM events WHERE reason IS NULL AND quantity_number < 0),
            count(*), count(*) FILTER (starts_with(visit_id, 'd')),
            count(*) FILTER (starts_with(visit_id, 'v')), count(*) FILTER (given_away)
            FROM happened""",
    )
    db.execute("DROP TABLE events")
    notes = [f"{good - happened:,} rows repeat an event_id and count once"] if good > happened else []
    notes += [
        f"{many:,} values of {staged.columns[one]!r} stand with several customers: each has visits apart"
        for one, many in shared.items()
        if many
    ]
    if turned:
        notes.append(f"{turned:,} rows with a negative quantity are returns")
    if given:
        notes.append(f"{given:,} rows are gifts: they count for the shop, and say nothing of who bought them")
    if by_day:
        notes.append(
            f"{by_day:,} purchases have neither order_id nor session_id: "
            "those of one user on one day (UTC) are one order"
        )
    if visitors:
        notes.append(
            f"{visitors:,} rows name a visitor and no user: what a visitor did on one day (UTC) is one visit"
        )
    return notes


def _of_sessions(db: Db, staged: Staged) -> str:
    """The column that tells whose a session is: a customer may go from one device to another, and a shop may
    know no device of some rows; sessions of Google Analytics are each device's own."""
    if plain(staged.columns.get("session_id", "")) != plain(_SECONDS) or not staged.has("visitor_id"):
        return "user_id"
    bare = "reason IS NULL AND session_id IS NOT NULL AND visitor_id IS NULL"
    return "user_id" if answer(db, f"SELECT count(*) FROM events WHERE {bare}")[0] else "visitor_id"


def _shared(db: Db, one: str, who: str) -> int:
    """How many ids of orders or sessions several customers have: counts that start anew for each of them."""
    db.execute(_SHARED.format(one=one, who=who))
    return int(answer(db, f"SELECT count(*) FROM shared_{one}")[0])


def code_ids(db: Db, name: str, sources: Sequence[str]) -> Ids:
    """Make the table `<name>` (id, code) of all ids that these queries give; returns them as Ids."""
    union = " UNION ".join(sources) or "SELECT NULL::VARCHAR AS id WHERE false"
    db.execute(
        f"CREATE TABLE {name} AS SELECT id, CAST(row_number() OVER (ORDER BY id) - 1 AS INTEGER) AS code "
        f"FROM (SELECT DISTINCT id FROM ({union}) WHERE id IS NOT NULL)"
    )
    return Ids(fixed(db.sql(f"SELECT id FROM {name} ORDER BY code").to_arrow_table()["id"]))


def read_events(db: Db, types: Sequence[str], *, timed: bool) -> Events:
    """The columns of `happened`, mapped from the disk; without timestamps time counts the events from 0."""
    db.execute(_VISITS)
    found = db.sql(
        _COLUMNS.format(
            unknown=UNKNOWN,
            types=", ".join(literal(one) for one in types),
        )
    ).to_arrow_reader(_BATCH)
    spill = Spill(COLUMNS)
    for batch in found:
        columns = {name: batch.column(name).to_numpy(zero_copy_only=False) for name in COLUMNS}
        counted = {} if timed else {"time": np.arange(len(spill), len(spill) + len(batch))}
        spill.add({**columns, **counted})
    return Events(**spill.mapped())


def read_texts(db: Db, keep: Sequence[str]) -> pa.Table:
    """Columns of the contract as texts, NULL where nothing is given, in the order of `read_events`."""
    names = ", ".join(f"kept_{one} AS {one}" for one in keep)
    return db.sql(f"SELECT {names} FROM happened ORDER BY us, file, row").to_arrow_table()


def no_events() -> Events:
    """What a shop without events has of them."""
    return Events(**{name: np.zeros(0, dtype) for name, dtype in COLUMNS.items()})


def fixed(column: pa.ChunkedArray) -> NDArray[np.bytes_]:
    """Texts as an array of fixed-width bytes, in their order; none may be NULL."""
    offsets, blob = split(column)
    lengths = np.diff(offsets)
    width = max(int(lengths.max(initial=1)), 1)
    cells = np.zeros((len(lengths), width), np.uint8)
    cells[np.arange(width) < lengths[:, None]] = blob
    return cells.reshape(-1).view(f"S{width}")


def split(column: pa.ChunkedArray) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
    """Texts as (offsets int64[n + 1], blob uint8); NULL is the empty text."""
    texts = pa.concat_arrays(
        [pa.array([], pa.large_string()), *column.cast(pa.large_string()).fill_null("").chunks]
    )
    _, offset_bytes, blob_bytes = texts.buffers()
    offsets = np.frombuffer(offset_bytes, np.int64)[texts.offset : texts.offset + len(texts) + 1]
    blob = np.frombuffer(blob_bytes or b"", np.uint8)[offsets[0] : offsets[-1]]
    return offsets - offsets[0], blob.copy()
