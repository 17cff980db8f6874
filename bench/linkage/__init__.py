"""How well linkage finds what really carried an action, in labelled worlds that are damaged more and more."""
