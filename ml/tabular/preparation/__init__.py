"""Dividing the rows, looking for leakage, and making inputs of columns."""
