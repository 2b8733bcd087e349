"""Where scripts meet the session: the one place that knows both."""
