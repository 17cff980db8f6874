"""What leaves Quo Warranto: one file per format, pictures included. Reads plain values, never a case."""
