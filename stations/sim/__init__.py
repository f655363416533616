"""Simulated benches: the cell model behind instruments that speak their true protocols."""
