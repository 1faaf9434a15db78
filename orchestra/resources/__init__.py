"""The catalogue: every kind that clouds are driven for, typed and documented. Pure."""
