"""How each system writes down what happened: one module per system, lines in the system's own shape."""
