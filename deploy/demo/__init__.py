"""The whole shop on one machine, with simulated benches: what `manage.py demo` starts."""
