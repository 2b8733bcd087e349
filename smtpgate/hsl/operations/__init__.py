"""What compiled code does to values: operators, reading and writing, objects."""
