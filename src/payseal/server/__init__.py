"""The server: what runs, keeps state and talks to people. Everything below it is a library."""
