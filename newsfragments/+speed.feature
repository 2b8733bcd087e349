A session costs a third of the processor time that it took, relayed mail two fifths, a start half: replies are written at once, and a script is tried without the means to wait first.
