"""Recorded decisions, decided again: one module per policy language, each a pure function of policies and a request."""
