"""Commissioning: a person at the bench shows that it is what its file says, and writes it down."""
