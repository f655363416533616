"""How long a program will take, before it starts and while it runs.  Pure, like the model."""
