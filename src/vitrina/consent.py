"""Consent per purpose: whether an asker may be shown personal lists on a channel.

A shop's `consent` of a customer is a list of purposes: 'site', 'email', 'retargeting'. Where the shop
keeps none, everybody agrees; where it does, a customer of whom it says nothing has agreed to nothing.
A caller that knows better, as a cookie banner does, says so in the request.
"""

from __future__ import annotations

from vitrina.catalog import Attribute

PURPOSES = ("site", "email", "retargeting")
PURPOSE = {"site": "site", "app": "site", "email": "email", "push": "email", "retargeting": "retargeting"}
"""What a list on each channel is for."""
NONE = "none"
"""Written for a customer who refused everything."""


def agrees(said: str, channel: str, kept: Attribute | None, user: int) -> bool:
    """Whether personal lists may be shown. `said`: in the request; `kept`: purposes by user row, joined
    by ';', where the shop keeps them; `user`: a row, below 0 for a stranger."""
    if said:
        return said == "given"
    if kept is None or user < 0:
        return True
    return PURPOSE.get(channel, channel) in kept.text(user).split(";")
