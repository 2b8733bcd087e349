``smtpgate repl`` keeps functions, objects and imports alive, knows what has no value, goes on over several lines for strings, comments and bodies, and completes variables and commands.
