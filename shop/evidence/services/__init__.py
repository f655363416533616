"""Writing evidence: checks, balances, capacities, approvals.

Each is one transaction; what is recorded is never changed.  Recording the same thing of a run
again returns what is stored, for a worker may have died between writing and saying so.
"""
