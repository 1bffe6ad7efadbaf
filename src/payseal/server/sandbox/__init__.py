"""Three payment systems on one machine, that verify as the real ones do."""
