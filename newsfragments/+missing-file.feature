``File()``, ``in_file()`` and their like say in which script root there is no such file, as ``include`` does.
