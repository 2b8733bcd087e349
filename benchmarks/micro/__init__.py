"""Parts of the gateway, each by itself, in this process.  Figures are its processor time."""
