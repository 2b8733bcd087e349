A script that loops, waits or calls functions somewhere runs in a greenlet only when it comes there: a usual command costs its script half the time.
