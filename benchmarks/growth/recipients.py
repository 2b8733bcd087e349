"""Another recipient of a message, when there are more of them."""

from __future__ import annotations

from functools import partial

from benchmarks.clients import Crew, Step, body, envelope, in_one_go
from benchmarks.gateway import Server, gateway
from benchmarks.measure import Bench

TITLE = "Recipients"

QUEUE = """\
foreach ($transaction["recipients"] as $each)
    Queue($each["recipient"], $each["transportid"]);
Accept();
"""

#: A server for each way that a recipient may take.
SERVERS = {
    "none": Server(),
    "rcptto": Server({"rcptto": 'if ($recipientdomain != "example.net") Reject("Not here");'}),
    "count": Server({"rcptto": 'if (count($transaction["recipients"]) > 1000) Reject("Many");'}),
    "eodonce": Server({"eodonce": QUEUE}),
    "eodrcpt": Server({"eodrcpt": "Deliver();"}),
    "relay": Server(relays=True),
}

WAYS = {
    "none": "another recipient, discarded",
    "rcptto": "another recipient, a script looks at each",
    "count": "another recipient, a script counts those before each",
    "eodonce": "another recipient, a script queues a copy for each",
    "eodrcpt": "another recipient, a script decides about each copy",
    "relay": "another recipient, relayed",
}


def measure(bench: Bench) -> None:
    """What a message with so many costs more than one with a single recipient, for each."""
    bench.on_one_core()
    sizes = bench.growing(10, 100, 1_000)
    running = gateway(bench, SERVERS)
    crew = bench.stack.enter_context(Crew())
    recipients = bench.amount(4_000, 2)
    counts = {size: max(1, recipients // size) for size in sizes}
    turns = {}
    for way in WAYS:
        clients = crew.open(running.ports[way], 1)
        for size in sizes:
            for own in (1, size):
                run = partial(crew.repeat, clients, message(own), counts[size])
                turns[way, size, own] = running.spent(run)
    found = bench.turns(turns)
    for way, words in WAYS.items():
        values = {}
        for size in sizes:
            # The best round of the one, or its noise would be a large part of a small difference.
            one = min(found[way, size, 1])
            others = (size - 1) * counts[size]
            values[size] = [(more - one) / others * 1e6 for more in found[way, size, size]]
        bench.series(words, "recipients", values, "µs")


def message(recipients: int) -> list[Step]:
    """All recipients in one segment: what the network costs is not what is measured."""
    return [in_one_go([*envelope(recipients), Step(b"DATA\r\n")]), body(200)]
