"""How long a run will take, and has left (F5): what is known here, for the planner of the bench."""
