``scripts = "nope"`` in the configuration is an error when there is no such directory, whether or not a hook names a script.
