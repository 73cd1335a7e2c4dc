"""Live state: what happened since training, kept on disk, shared by all worker processes of a host.

store.py       what a store can do: named tables of bytes, one transaction, one snapshot, feeds by sequence
tables.py      the tables, and what their keys and values are
lmdb_store.py  the store on LMDB; group.py commits what waits together; generation.py is one file of it,
               folder.py says which counts
events.py      an event as the log holds it; profiles.py: what somebody did lately, as bytes
recording.py   events into the store: once each, and into whose profiles
lately.py      what askers did, for the engine; tailer.py follows a feed
upkeep.py      retention, and what else is due now and then
opening.py     a store that need not be there yet
failpoints.py  places where a trial may kill the process
"""
