"""The outputs that other systems read: one module per format, each writing as it reads."""
