"""Texts as words, and names of features as 64-bit keys.

A word is a run of letters and digits of any alphabet, its case folded: 'Łóżko 120x200' is 'łóżko',
'120x200'. Scripts that leave no room between words (Chinese, Thai) give one word a phrase.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

WORD = re.compile(r"[^\W_]+")

Keys = NDArray[np.uint64]


def words(text: str) -> list[str]:
    """The words of a text, in order."""
    return WORD.findall(unicodedata.normalize("NFKC", text).casefold())


def counted(
    texts: Iterable[str],
) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.float64], list[str]]:
    """Word counts of texts as triples (text int32, word int32, count float64), and the words by number."""
    number: dict[str, int] = {}
    at: list[int] = []
    which: list[int] = []
    count: list[int] = []
    for place, text in enumerate(texts):
        found = Counter(words(text))
        at.extend([place] * len(found))
        which.extend([number.setdefault(word, len(number)) for word in found])
        count.extend(found.values())
    return np.array(at, np.int32), np.array(which, np.int32), np.array(count, np.float64), list(number)


def keys_of(names: Sequence[str]) -> Keys:
    """uint64 per name: the first 8 bytes of its BLAKE2b; among a million names two collide once in 10^7."""
    digests = b"".join(blake2b(one.encode("utf-8", "replace"), digest_size=8).digest() for one in names)
    return np.frombuffer(digests, "<u8").astype(np.uint64)


def places(wanted: Keys, known: Keys) -> NDArray[np.int64]:
    """int64 per wanted key: where it stands among distinct known ones, -1 where it does not."""
    if not len(known):
        return np.full(len(wanted), -1, np.int64)
    order = np.argsort(known, kind="stable")
    at = order[np.minimum(np.searchsorted(known[order], wanted), len(known) - 1)]
    return np.where(known[at] == wanted, at, -1)
