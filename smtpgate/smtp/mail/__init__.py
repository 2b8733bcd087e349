"""One mail transaction: its message comes in and goes where it belongs."""
