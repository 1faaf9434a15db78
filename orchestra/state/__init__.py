"""What is remembered of a deployment: records, journal, their codec and their integrity. Pure."""
