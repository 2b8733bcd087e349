Options of library functions that do not exist, or cannot have the value that is written in the call, are found when a script of a hook compiles.
