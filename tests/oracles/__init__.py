"""Worked examples of the standards held against our functions."""
