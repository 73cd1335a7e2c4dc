"""Tokens: what was shown comes back whole, and nothing else is believed."""

from __future__ import annotations

from dataclasses import astuple, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from servers import KEY, NOW

from vitrina.errors import InvalidToken
from vitrina.request import ListedBlock, ListedItem, Reason, Response
from vitrina.server.token import MAX_BYTES, MAX_EARLIER, Signer

ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
texts = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20)
ids = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=20)
items = st.builds(
    ListedItem,
    ids,
    st.floats(0, 1),
    st.just(()),
    st.builds(Reason, st.sampled_from(["knn", "popular", ""])),
)


def with_chances(block, step):
    """The block with chances that half precision can hold, if `step` is above 0, and one for its arm."""
    chances = tuple(1 - place * step / 64 for place in range(len(block.items))) if step else ()
    return replace(block, propensities=chances, arm_share=step / 4)


plain = st.builds(ListedBlock, texts, st.lists(items, max_size=6).map(tuple), arm=texts)
blocks = st.builds(with_chances, plain, st.integers(0, 4))
responses = st.builds(Response, st.lists(blocks, max_size=4).map(tuple), texts)


def shown(*ids):
    """A response that lists these ids in one block."""
    listed = tuple(ListedItem(one, 1.0, ("knn",), Reason("knn")) for one in ids)
    return Response((ListedBlock("home", listed),), "bundle-1")


@given(responses, texts, st.integers(0, 2**40), st.lists(texts, max_size=5).map(tuple))
def test_round_trip(response, placements, now, earlier):
    """Every placement, arm, position, source, chance, id, version and time comes back as it was signed."""
    token = Signer(KEY).read(Signer(KEY).token(response, placements, now, earlier))
    assert (token.time, token.bundle_version, token.placements_version) == (
        now,
        response.bundle_version,
        placements,
    )
    assert token.earlier == earlier
    expected = [
        (item.item_id, block.placement, position, item.reason.source, chance, block.arm, block.arm_share)
        for block in response.blocks
        for position, (item, chance) in enumerate(
            zip(block.items, block.propensities or [1.0] * len(block.items), strict=True)
        )
    ]
    assert [astuple(one) for one in token.items] == expected


@given(responses, st.data())
def test_any_change_is_refused(response, data):
    """One changed, added or removed letter anywhere makes a token worthless."""
    token = Signer(KEY).token(response, "p", NOW)
    at = data.draw(st.integers(0, len(token) - 1))
    letter = data.draw(st.sampled_from(ALPHABET + "=!\n é"))
    changed = data.draw(
        st.sampled_from([token[:at] + letter + token[at + 1 :], token[:at], token[:at] + letter + token[at:]])
    )
    if changed != token:
        with pytest.raises(InvalidToken):
            Signer(KEY).read(changed)


@given(st.one_of(st.text(max_size=200), st.text(ALPHABET, max_size=200)))
def test_rubbish_is_refused(text):
    """Nothing but a token is a token, whatever it looks like."""
    with pytest.raises(InvalidToken):
        Signer(KEY).read(text)


def test_another_key_is_refused():
    """A token of another shop, or from before the key was replaced, is foreign."""
    with pytest.raises(InvalidToken, match="ask without it"):
        Signer(b"another key of ours").read(Signer(KEY).token(shown("a"), "p", NOW))


def test_a_chain_covers_the_newest_thousand():
    """The token of a continued answer covers what came before, oldest forgotten first."""
    earlier = tuple(f"e{number}" for number in range(MAX_EARLIER + 5))
    token = Signer(KEY).read(Signer(KEY).token(shown("a", "b"), "p", NOW, earlier))
    assert token.covered == (*earlier[5:], "a", "b")


def test_long_ids_are_forgotten_rather_than_refused():
    """A token stays small enough to be given back; the newest items stay in it."""
    earlier = tuple(f"{number:0256d}" for number in range(MAX_EARLIER))
    text = Signer(KEY).token(shown("a"), "p", NOW, earlier)
    token = Signer(KEY).read(text)
    assert len(text) <= 4 * (MAX_BYTES + 64) // 3
    assert 50 < len(token.earlier) < MAX_EARLIER
    assert token.earlier == earlier[-len(token.earlier) :]
