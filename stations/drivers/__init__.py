"""Drivers: one file per model family; each can be found by name in `registry`."""
