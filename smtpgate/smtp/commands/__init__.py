"""What a client may say: arguments, parameters, extensions."""
