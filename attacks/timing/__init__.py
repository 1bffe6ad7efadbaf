"""Whether a clock tells what an answer does not."""
