"""The care of an assembled pack: how far its cells have drifted, and what is done about it."""
