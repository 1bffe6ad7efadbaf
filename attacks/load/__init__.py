"""A running sandbox under load."""
