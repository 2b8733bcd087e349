A script that could loop, wait or call functions, but does not come to that with a command, takes half the time for it.
