"""Who may be written to, where and when: one policy over all channels, and decisions that say their reason.

policy.py  what the shop allows, as TOML
hours.py   at which hour a person reads
decide.py  one person and one offer to a channel and a moment, or to why there is none
"""
