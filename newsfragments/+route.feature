``GetRoute()`` reads the way of a message from its Received headers, at ``eodonce`` and ``eodrcpt``.
