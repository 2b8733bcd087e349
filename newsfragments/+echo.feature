The log tells which session an ``echo`` of a script belongs to; the gateway raises its limit of open files as far as it may.
