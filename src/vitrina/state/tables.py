"""The tables of the store. A new one is a line here; stores make it when they open."""

from __future__ import annotations

META = "meta"
"""The store's own: the last sequence number of each feed, and marks of what upkeep has done."""

LOG = "log"
"""Feed of every event that was accepted (`events.py`), in the order of arrival."""

SEEN = "seen"
"""Event id to the 8 bytes of its sequence number in LOG: what makes recording idempotent."""

PROFILES = "profiles"
"""'u' or 'v', then the user's or visitor's id, to what they did lately (`profiles.py`)."""

SHOWN = "shown"
"""As PROFILES: what they were shown lately (`profiles.py`)."""

NAMES = "names"
"""Feed of item ids and event types; profiles hold their numbers, which are the sequence numbers."""

NUMBERS = "numbers"
"""What NAMES holds, to the 8 bytes of its number."""

ITEMS = "items"
"""Item id to what was said of it since training: catalogue updates, latest wins."""

CHANGES = "changes"
"""Feed of catalogue changes, for those who follow them."""

PEOPLE = "people"
"""Ids of one person joined, and what their golden record is."""

TOMBSTONES = "tombstones"
"""HMACs of ids that asked to be forgotten."""

ERASING = "erasing"
"""The first id of somebody who was forgotten, and whose events are not all out of the log yet, to when that
was and all their ids (`people.py`)."""

TABLES = (META, LOG, SEEN, PROFILES, SHOWN, NAMES, NUMBERS, ITEMS, CHANGES, PEOPLE, TOMBSTONES, ERASING)
