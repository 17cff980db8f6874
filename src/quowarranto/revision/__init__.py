"""Judging only what new records touch; the meaning stays where it is, in `linkage`. Why: docs/decisions/0005."""

from __future__ import annotations
