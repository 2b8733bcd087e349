The log tells which session and which script an ``echo`` or a ``syslog()`` comes from; the gateway raises its limit of open files as far as it may.
