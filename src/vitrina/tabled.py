"""Lists of many people as one table, a row an item: arrays to Arrow's columns, with no object a list."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from vitrina.ids import Rows
from vitrina.listing import Lists


class Part(NamedTuple):
    """The lists of one block for some people: `who`, int32, has the number of each."""

    who: Rows
    block: int
    lists: Lists


def tabled(parts: Sequence[Part], keys: Sequence[str], key: str, blocks: Sequence[str]) -> pa.Table:
    """The lists of all parts, one person's behind another's, and of each the blocks in their order.

    `keys`: the id of each person, which stands in the column `key`; `blocks`: the name of each block, which
    has a column only where there are several. Then item_id, rank (from 1), score and source.
    """
    who = _of_lists(parts, lambda one: one.who)
    block = _of_lists(parts, lambda one: np.full(len(one.who), one.block, np.int32))
    rank = _joined([_ranks(one.lists) for one in parts], np.int32)
    names = tuple(dict.fromkeys(name for one in parts for name in one.lists.names))
    columns = {
        key: _coded(who, keys),
        **({"placement": _coded(block, blocks)} if len(blocks) > 1 else {}),
        "item_id": pa.chunked_array([_ids(one.lists) for one in parts], pa.string()),
        "rank": pa.array(rank),
        "score": pa.array(_joined([one.lists.scores for one in parts], np.float32)),
        "source": _coded(_joined([_leads(one.lists, names) for one in parts], np.int32), names),
    }
    table = pa.table(columns)
    place = who.astype(np.int64) * max(1, len(blocks)) + block
    return table if (np.diff(place) >= 0).all() else table.take(np.argsort(place, kind="stable"))


def _of_lists(parts: Sequence[Part], told: Any) -> Rows:
    """int32 per item: what is told of each list."""
    return _joined([np.repeat(told(one), np.diff(one.lists.ends)) for one in parts], np.int32)


def _joined(some: Sequence[NDArray[Any]], dtype: Any) -> NDArray[Any]:
    return np.concatenate([np.zeros(0, dtype), *some]).astype(dtype, copy=False)


def _ranks(lists: Lists) -> NDArray[np.int64]:
    return np.arange(1, len(lists.rows) + 1) - np.repeat(lists.ends[:-1], np.diff(lists.ends))


def _leads(lists: Lists, names: tuple[str, ...]) -> Rows:
    """int32 per item: its leading source in the names of all parts."""
    numbers = np.array([names.index(one) for one in lists.names], np.int32)
    return numbers[lists.leads]


def _ids(lists: Lists) -> pa.Array:
    return pa.array(lists.ids.sorted[lists.rows]).cast(pa.string())


def _coded(codes: Rows, texts: Sequence[str]) -> pa.DictionaryArray:
    return pa.DictionaryArray.from_arrays(pa.array(codes), pa.array(texts, pa.string()))
