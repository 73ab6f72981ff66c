"""The evaluation of a detector as one page: what it finds, what it invents, how far it is off.

Importing this package is cheap; drawing the page imports matplotlib.
"""
