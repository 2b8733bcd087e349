Errors know what people write who come from other languages (``&&``, ``'text'``, ``null``, ``new``, ``foreach (x in y)``, ``127.0.0.1`` without quotes and some hundred more), and say what it is here.
