"""The command line: one file a command; each wires the packages together and explains itself."""
