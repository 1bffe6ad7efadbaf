"""Sign what an HTTP client sends: a module a client, imported by name, each an optional extra."""
