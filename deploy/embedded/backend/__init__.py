"""Django's PostgreSQL backend that starts the embedded server when first connected to."""
