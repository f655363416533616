"""Random kill -9 of whatever works at a bench, while jobs go on (F3, F4): `make killloop`.

The whole demo runs as it is, with the database roles and the process keeper of a shop; people
are played through HTTP.  Half of the kills are aimed at the moments that hurt most: the lease is
won, the output goes on, a journal or a chunk is committed, the output goes off.  What is judged
comes from the simulators' truth logs, the journals and the database, never from our own status.
"""
