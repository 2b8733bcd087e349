``import * as name`` reaches the classes of a module, ``isset`` and ``??`` see which of its variables have a value, and errors in paths and imported names point at them and suggest the right one.
