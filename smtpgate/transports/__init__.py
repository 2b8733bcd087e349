"""Where mail goes: each transport answers 250 only when it has the message."""
