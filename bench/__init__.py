"""Benchmarks: commands, never tests. Each prints its figures and writes them with machine, versions and date."""
