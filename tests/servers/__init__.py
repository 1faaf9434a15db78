"""Real servers on free ports of loopback, started and stopped by the tests that need them."""
