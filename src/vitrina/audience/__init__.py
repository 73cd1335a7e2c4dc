"""Audiences: whom to address now, why, since when and until when, with what, where and at which hour.

plan.py      what the shop wants to hear of, as TOML
triggers.py  what has happened to one person, from what they did
who.py       conditions on a person: what they did, how often, how long ago
affinity.py  who would buy these: the user-based model turned round
entry.py     one of them, in plain words
entries.py   the triggers of everybody as a stream, each with a stable id; resumed by a cursor
files.py     tables that spreadsheets and advertising systems take
"""
