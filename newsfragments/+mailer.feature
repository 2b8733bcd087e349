Scripts can send mail: ``mail()`` and ``MIME->send()`` hand a message to one of the transports.
