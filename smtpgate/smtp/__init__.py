"""The wire: SMTP sessions, without scripts and without configuration."""
