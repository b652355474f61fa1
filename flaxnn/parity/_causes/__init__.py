"""The usual mistakes, each recognised by the numbers that it gives."""
