"""The preview: one local page to look through at the lists of a bundle, and at why they are as they are.

Read-only and for this machine alone: it asks the engine, never a server or a store, so customers are seen as
the bundle knows them.
"""
