"""AUTH: the exchange, its mechanisms."""
