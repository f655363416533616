"""The bench: procedures, cell model, drivers, guardian and simulated bench.

Knows no jobs, people or database; usable alone with `python -m stations`.
"""

__version__ = "0.1.0"
