"""How each kind of the catalogue is said to the simulated drivers."""
