"""What a place may look at in a script when it compiles, beside what the language checks itself."""
