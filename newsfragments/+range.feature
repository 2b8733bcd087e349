The function ``range`` of older scripts, which the manual calls ``array_range``.
