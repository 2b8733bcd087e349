"""More than one process: a supervisor that holds the ports and what sessions share, and workers.

The supervisor (:mod:`supervisor`) reads the configuration, binds the ports and forks the workers
(:mod:`forking`); a worker (:mod:`worker`) serves whom it finds at the ports (:mod:`door`).  They
speak AMP over a socket pair that nobody else can reach (:mod:`commands`).  The store is served by
:mod:`storedesk` and asked by :mod:`remotestore`; connections are counted by :mod:`slotdesk` and
:mod:`leases`.
"""
