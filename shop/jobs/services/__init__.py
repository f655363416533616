"""What people do with jobs and runs.

Each act is one transaction of compare-and-set moves; a refusal has written nothing.
"""
