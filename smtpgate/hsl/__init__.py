"""The script language: usable alone, it knows no SMTP and no configuration."""
