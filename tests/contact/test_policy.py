"""The policy file: read as it is written, refused by the key that is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from vitrina.contact.policy import Cap, Channel, parse_policy, read_policy
from vitrina.errors import PolicyError

MAIL = {"channels": {"email": {}}}


def test_the_shipped_policy() -> None:
    """Channels in the order of the file, cheapest first; caps and quiet hours in their units."""
    policy = read_policy(Path(__file__).resolve().parents[2] / "models" / "contact" / "standard.toml")
    assert [one.name for one in policy.channels] == ["email", "push", "retargeting"]
    assert policy.channels[0] == Channel("email", (Cap(1, 1.0), Cap(3, 7.0)), (21 * 60, 8 * 60))
    assert [one.paid for one in policy.channels] == [False, False, True]


@pytest.mark.parametrize(
    ("quiet", "minute", "silent"),
    [
        ((21 * 60, 8 * 60), 21 * 60, True), ((21 * 60, 8 * 60), 8 * 60, False), ((21 * 60, 8 * 60), 0, True),
        ((12 * 60, 13 * 60), 12 * 60 + 59, True), ((12 * 60, 13 * 60), 13 * 60, False), ((0, 0), 0, False),
    ],
)  # fmt: skip
def test_quiet_hours_may_pass_midnight(quiet: tuple[int, int], minute: int, silent: bool) -> None:
    """From their first minute to before their last; equal ends are never."""
    assert Channel("x", quiet=quiet).silent(minute) is silent


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({}, "no channel is named"),
        ({"chanels": {}}, "unknown key 'chanels'"),
        ({"channels": {"email": {"cap": []}}}, r"channels\.email\.cap'"),
        ({"channels": {"email": {"caps": [{"times": -1, "days": 1}]}}}, r"channels\.email\.caps\[0\]\.times"),
        ({"channels": {"email": {"caps": [{"times": 1}]}}}, r"caps\[0\]\.days"),
        ({"channels": {"email": {"caps": [1]}}}, r"caps\[0\]"),
        ({"channels": {"email": {"quiet": ["25:00", "08:00"]}}}, r"email\.quiet must be two times"),
        ({"channels": {"email": {"quiet": "night"}}}, r"email\.quiet must be two times"),
        ({"channels": {"email": {"paid": "yes"}}}, r"email\.paid"),
        ({"channels": {"email": 3}}, "'channels.email' must be a table"),
        ({**MAIL, "zone": "Mars/Olympus"}, "zone 'Mars/Olympus'"),
        ({**MAIL, "cool_down_days": "3"}, "cool_down_days"),
        ({**MAIL, "repeat_days": -1}, "repeat_days"),
    ],
)
def test_faults_are_named(table: dict[str, object], said: str) -> None:
    """By the path of their key."""
    with pytest.raises((ValueError, TypeError), match=said):
        parse_policy(table)


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    """Missing, no TOML, wrong inside: one sentence with the file's name."""
    for text in (None, "x =", "zone = 'UTC'"):
        file = tmp_path / "contact.toml"
        file.write_text(text) if text else file.unlink(missing_ok=True)
        with pytest.raises(PolicyError, match=r"contact\.toml"):
            read_policy(file)
