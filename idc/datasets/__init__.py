"""The packed store, its index, splits, marks, measurements, leakage, stitched cases."""
