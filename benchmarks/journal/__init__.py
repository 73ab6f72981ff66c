"""What a journal survives and what it costs, measured on this machine."""
