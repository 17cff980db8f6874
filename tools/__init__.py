"""Small programs that keep the project in order; run as `python -m tools.NAME` in a checkout."""
