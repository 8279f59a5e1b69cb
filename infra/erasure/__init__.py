"""To forget a person for good, step by step; whatever is cut short is taken up again and ends the same.

The event stands first: from then on the log refuses the patient. Then the ledger (`ledger.py`), an
append-only file beside the master key, is written; then the key goes, and whoever holds it in memory is told
(`forget.py`). Then the read models are purged and their tables written anew (`purge.py`), and the write-ahead
log where the role may (`wal.py`). What came of it all stands in a signed certificate (`certificate.py`).
`carrying.py` takes all these steps; `starting.py` does at every start what a restored backup makes necessary.
"""
