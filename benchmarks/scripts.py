"""Scripts for the benchmarks."""

from __future__ import annotations

#: A proxy script as people write them: fifteen lines, a regular expression, and most lines pass.
FIFTEEN_LINES = r"""
if ($command =~ ''/^XCLIENT\b/i'') {
    if ($senderip != "192.168.1.1")
        Reply("XCLIENT is not for you", ["reply_codes" => ["code" => 550]]);
    $attributes = [];
    foreach (str_split($command, " ")[1:] as $word) {
        $pair = pcre_match(''^([A-Za-z]+)=(.*)$'', $word);
        if (!$pair)
            Reply("Bad XCLIENT attribute", ["reply_codes" => ["code" => 501]]);
        $attributes[str_upper($pair[0])] = $pair[1];
    }
    $context = $attributes;
    Reply("Fine");
}
if ($command == "WHOAMI")
    Reply("$senderip, " . ($context["ADDR"] ?? "unknown"));
"""
