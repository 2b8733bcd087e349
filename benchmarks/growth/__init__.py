"""What one command, recipient or message costs when there are more connections, listeners, ...

Figures are processor time of the gateway's process.  The sizes are measured in turns, so that what
else the machine does hits all of them.
"""
