The example policies are better ones: the block list is asked about IPv6 and may fail, greylisting goes by network and has exceptions, and users may have rates of their own.
