"""How fast the gateway is.

``python -m benchmarks`` runs everything; ``python -m benchmarks --help`` tells what to choose from.
``micro`` has the parts in one process, ``macro`` whole sessions with a gateway in a process of its
own, and ``growth`` what a command costs when something around it grows.
"""
