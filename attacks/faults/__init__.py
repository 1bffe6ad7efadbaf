"""What is killed, stalled, filled and put forward under a running sandbox."""
