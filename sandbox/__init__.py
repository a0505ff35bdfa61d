"""A local OpenTable: its book, its Sync API, its webhooks and a restaurant's evenings.

Everything that OpenTable documents is behaviour here; what it leaves open is a switch in
``choices``; what can go wrong is a switch in ``faults`` (answers) and ``chaos`` (webhooks).
"""
