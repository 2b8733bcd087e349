"""Whole sessions over loopback sockets, with a gateway in a process of its own.

A rate is what this machine gets through with the client beside the gateway; the processor time of
the gateway's process, for each message or command, says more.
"""
