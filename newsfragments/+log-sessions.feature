A server with ``log_sessions = false`` logs only what is refused and what fails.
