The proxy hook: a script before each command line, which passes it on, changes it or answers it, may ask for the next line, wait, and close the connection.
