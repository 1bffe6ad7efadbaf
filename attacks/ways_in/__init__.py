"""What stands between the client and the verifier."""
