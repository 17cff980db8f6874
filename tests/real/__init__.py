"""Real systems, started here on the loopback address: what they log is linked. Skipped where a program is not there."""
