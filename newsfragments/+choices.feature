Options that are one of several words, such as the ``type`` of ``dns_query``, take them in upper or lower case.
