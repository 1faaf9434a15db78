"""Desired, recorded and observed in; a plan out. Pure: the same inputs give the same bytes."""
