"""The tables: one file for each family of functions and modules."""
