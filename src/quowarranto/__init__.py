"""Quo Warranto: by what authority was each recorded action done, and did that authority still hold?"""

__version__ = "0.1.0"
