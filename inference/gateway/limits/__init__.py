"""Limits that are exact: counters in the shared store, changed by atomic scripts alone.

`windows` says over which times is counted, `counters` which counters a request touches, `scripts`
how they change; `reservation` holds what a request may use until it is settled, `loading` fills a
counter that the store does not know from the history, `ledger` reads that history.
"""
