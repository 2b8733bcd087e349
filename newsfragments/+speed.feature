A session costs a quarter of the processor time that it took, and relayed mail as well: replies are written at once, sockets are closed at once, and a script is tried without the means to wait first.
