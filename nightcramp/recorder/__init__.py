"""A night recorded: journals, links, live detection, and what a person sees of it."""
