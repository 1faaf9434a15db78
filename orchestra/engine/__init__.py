"""Acts: reads clouds in bulk, carries out the steps of a plan, journals each call, and settles what was left open."""
