"""What ``Machine`` is made of: one class per group of its methods."""
