"""How the tables came to be what they are. `payseal.server.accounts.database.upgrade` runs these; ``payseal db upgrade`` calls it."""
