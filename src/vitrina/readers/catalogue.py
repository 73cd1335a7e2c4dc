"""Checked rows about items and people to columns: paths, prices, attributes as codes."""

# ruff: noqa: S608 - names in queries are ours; what a shop wrote goes through `scan.literal`.
from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from vitrina.catalog import Attribute, Catalog, Labels
from vitrina.ids import MAX_ID_BYTES, UNKNOWN, Ids, Texts
from vitrina.readers.assemble import fixed, split
from vitrina.readers.rows import Staged
from vitrina.readers.scan import Db, answer, literal

NAMED = ("brand", "size", "color")
"""Attributes the contract knows by name."""

_ITEMS = """
SELECT coalesce(product_id, id) AS product, short(path(category, {sign})) AS category, title, image,
    CAST(coalesce(price_number, 'nan') AS FLOAT) AS price,
    CAST(coalesce(old_price_number, 'nan') AS FLOAT) AS old_price,
    CAST(coalesce(margin_number, 'nan') AS FLOAT) AS margin,
    coalesce(stocked, true) AS in_stock, url, several(tags) AS tags, several(stock_regions) AS regions,
    coalesce(from_us // 1000000, {first}) AS available_from,
    coalesce(until_us // 1000000, {last}) AS available_until {attributes}
FROM item_ids LEFT JOIN (SELECT * FROM items WHERE reason IS NULL) ON item_id = id
ORDER BY code
"""


def read_catalog(db: Db, staged: Staged) -> tuple[Catalog, list[str]]:
    """The catalogue by item row, and notes; items that items.* does not know have nothing."""
    sign, notes = _separator(db)
    columns = _columns(staged, NAMED)
    bounds = np.iinfo(np.int64)
    table = db.sql(
        _ITEMS.format(sign=literal(sign), first=bounds.min, last=bounds.max, attributes=_shortened(columns))
    ).to_arrow_table()
    numbers = ("price", "old_price", "margin", "in_stock", "available_from", "available_until")
    plain: dict[str, Any] = {name: np.array(table[name].to_numpy()) for name in numbers}
    catalog = Catalog(
        product=table["product"].combine_chunks().dictionary_encode().indices.to_numpy(),
        category=_attribute(table["category"]),
        title=Texts(*split(table["title"])),
        image=Texts(*split(table["image"])),
        url=Texts(*split(table["url"])),
        tags=_labels(table["tags"]),
        regions=_labels(table["regions"]),
        attributes={name: _attribute(table[f"a{place}"]) for place, name in enumerate(columns)},
        **plain,
    )
    return catalog, [*notes, *_too_long(db, "items", {"category": "category", **columns})]


def read_people(db: Db, staged: Staged) -> tuple[dict[str, Attribute], list[str]]:
    """Attributes by user row, and notes; consent is 'yes' or 'no'."""
    columns = _columns(staged, ())
    if staged.has("consent"):
        columns["consent"] = "CASE WHEN consents THEN 'yes' WHEN NOT consents THEN 'no' END"
    table = db.sql(
        f"SELECT code{_shortened(columns)} FROM user_ids "
        "LEFT JOIN (SELECT * FROM users WHERE reason IS NULL) ON user_id = id ORDER BY code"
    ).to_arrow_table()
    people = {name: _attribute(table[f"a{place}"]) for place, name in enumerate(columns)}
    return people, _too_long(db, "users", columns)


def _columns(staged: Staged, named: Sequence[str]) -> dict[str, str]:
    """Attribute name -> column of the checked table."""
    own = {name: f"x{place}" for place, name in enumerate(staged.attributes)}
    return {**{name: name for name in named if staged.has(name)}, **own}


def _shortened(columns: Mapping[str, str]) -> str:
    return "".join(f", short({sql}) AS a{place}" for place, sql in enumerate(columns.values()))


def _attribute(column: pa.ChunkedArray) -> Attribute:
    """Texts to codes into their sorted values; NULL and the empty text are not given."""
    coded = pa.concat_arrays([pa.array([], pa.string()), *column.chunks]).dictionary_encode()
    values = fixed(pa.chunked_array([coded.dictionary]))
    order = np.argsort(values)
    rank = np.empty(len(values), np.int32)
    rank[order] = np.arange(len(values))
    places = coded.indices.fill_null(UNKNOWN).to_numpy()
    codes = np.where(places >= 0, rank[places] if len(rank) else UNKNOWN, UNKNOWN)
    return Attribute(codes.astype(np.int32), Ids(values[order]))


def _labels(column: pa.ChunkedArray) -> Labels:
    """Lists of words to labels; NULL is no word."""
    lists = pa.concat_arrays([pa.array([], pa.list_(pa.string())), *column.chunks])
    lengths = np.array(pc.fill_null(pc.list_value_length(lists), 0))
    coded = _attribute(pa.chunked_array([pc.list_flatten(lists)]))
    return Labels(np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64), coded.codes, coded.values)


def _separator(db: Db) -> tuple[str, list[str]]:
    """What joins the steps of a category: '>', or where it never occurs '|', '/' or '.' if half have it.

    A full stop joins names such as electronics.audio.headphone alone, not abbreviations."""
    given, arrows, *others = answer(
        db,
        """SELECT count(category), count(*) FILTER (contains(listed(category), '>')),
            count(*) FILTER (contains(category, '|')), count(*) FILTER (contains(category, '/')),
            count(*) FILTER (regexp_full_match(category, '[a-z_]+(\\.[a-z_]+)+'))
        FROM items WHERE reason IS NULL""",
    )
    if arrows or not given:
        return ">", []
    for sign, count in zip("|/.", others, strict=True):
        if 2 * count >= given:
            return sign, [
                f"categories hold {sign!r} and never '>': {sign!r} was read as the step to a subcategory"
            ]
    return ">", ["no category holds '>': each was read as one step, not as a path"]


def _too_long(db: Db, table: str, columns: Mapping[str, str]) -> list[str]:
    """Notes on values that no attribute can hold."""
    if not columns:
        return []
    counts = ", ".join(f"count(*) FILTER (strlen({sql}) > {MAX_ID_BYTES})" for sql in columns.values())
    found = answer(db, f"SELECT {counts} FROM {table} WHERE reason IS NULL")
    return [
        f"{count:,} values of {name} are longer than {MAX_ID_BYTES} bytes and count as not given"
        for name, count in zip(columns, found, strict=True)
        if count
    ]
