``envelope_address_parse``, ``envelope_localpart_escape``, ``xtext_encode`` and ``xtext_decode`` of later manuals.
