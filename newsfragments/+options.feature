Options that a hook's function does not have, and functions of the manual that need a queue or the parts of a message, are errors when a script compiles, with the reason.
