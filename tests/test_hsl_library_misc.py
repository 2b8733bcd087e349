"""The functions of no other chapter."""

from __future__ import annotations

import email
import email.policy
import ipaddress
import uuid
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet.defer import Deferred, succeed
from twisted.trial.unittest import SynchronousTestCase

from smtpgate.hsl.errors import Fault
from smtpgate.hsl.library import misc, network
from smtpgate.hsl.values import Map, literal
from tests.support.library import Running, call, options


def fault(function: Any, *arguments: Any, running: Any = None) -> str:
    return str(
        SynchronousTestCase().assertRaises(Fault, call, function, *arguments, running=running)
    )


class AddressTests(SynchronousTestCase):
    """inet_includes(), inet_ntop(), inet_pton() and inet_reverse()."""

    def test_includes(self) -> None:
        """Addresses, subnets (also with bits behind the prefix, and netmasks) and ranges."""
        for ip, net in (
            ("127.0.0.1", "127.0.0.1/8"),
            ("127.0.0.1", "127.0.0.0-127.255.255.255"),
            ("127.0.0.1", "127.0.0.1"),
            ("127.0.0.1", "127.0.0.1-127.0.0.1"),
            ("10.1.2.3", "10.1.2.0/255.255.255.0"),
            ("10.1.2.3", "0.0.0.0/0"),
            ("10.1.2.3", "10.1.2.3/32"),
            ("2001:4860:4860::8888", "2001:4860:4860::/48"),
            ("2001:db8::2", "2001:db8::1 - 2001:db8::3"),
            ("2001:DB8:0::1", "2001:db8::1"),
            ("::1", "::/0"),
        ):
            self.assertIs(call(network.inet_includes, ip, net), True, net)

    def test_includes_not(self) -> None:
        """Outside, of the other kind, and what is no address or network."""
        for ip, net in (
            ("128.0.0.1", "127.0.0.0/8"),
            ("10.0.0.4", "10.0.0.1-10.0.0.3"),
            ("10.0.0.2", "10.0.0.3-10.0.0.1"),
            ("10.0.0.1", "::/0"),
            ("::1", "0.0.0.0/0"),
            ("::ffff:10.0.0.1", "10.0.0.0/8"),
            ("", "0.0.0.0/0"),
            ("10.0.0.1", ""),
            ("10.0.0.1", "10.0.0.0/33"),
            ("10.0.0.1", "10.0.0.0/-1"),
            ("10.0.0.1", "10.0.0.0/8/8"),
            ("10.0.0.1", "10.0.0.0/"),
            ("10.0.0.1", "10.0.0.0/\xb2"),
            ("10.0.0.1", "10.0.0.0/255.0.255.0"),
            ("10.0.0.1", "10.0.0.0/0.0.0.255"),
            ("::1", "::1/255.255.255.0"),
            ("10.0.0.1", "10.0.0.0-::1"),
            ("10.0.0.1", "10.0.0.1-"),
            ("010.0.0.1", "10.0.0.1"),
            ("10.1", "10.0.0.1"),
        ):
            self.assertIs(call(network.inet_includes, ip, net), False, net)

    def test_alias(self) -> None:
        """in_network() is the older name."""
        self.assertEqual(network.inet_includes.aliases, ("in_network",))

    @settings(deadline=None, derandomize=True)
    @given(st.ip_addresses(), st.ip_addresses(), st.integers(0, 128))
    def test_as_ipaddress(self, ip: Any, base: Any, prefix: int) -> None:
        """Subnets include what Python's own library says."""
        prefix = min(prefix, base.max_prefixlen)
        expected = ip in ipaddress.ip_network(f"{base}/{prefix}", strict=False)
        self.assertIs(call(network.inet_includes, str(ip), f"{base}/{prefix}"), expected)
        self.assertIs(call(network.inet_includes, str(base), f"{base}/{prefix}"), True)

    @settings(deadline=None, derandomize=True)
    @given(st.ip_addresses())
    def test_pton_and_ntop(self, ip: Any) -> None:
        """Octets and back, for any address."""
        octets = call(network.inet_pton, str(ip))
        self.assertEqual(octets.encode("latin-1"), ip.packed)
        self.assertEqual(ipaddress.ip_address(call(network.inet_ntop, octets)), ip)

    def test_text_forms(self) -> None:
        """The shortest form of an IPv6 address (RFC 5952)."""
        self.assertEqual(call(network.inet_ntop, "\x0a\x00\x00\x01"), "10.0.0.1")
        self.assertEqual(
            call(network.inet_ntop, call(network.inet_pton, "2001:DB8:0:0:0:0:0:1")), "2001:db8::1"
        )

    def test_errors_are_none(self) -> None:
        """What is no address gives none."""
        for text in ("", "10.0.0", "10.0.0.256", "x", "1::2::3", "fe80::1%eth0", "\xff", "1\x00"):
            self.assertIsNone(call(network.inet_pton, text), text)
            self.assertIsNone(call(network.inet_reverse, text), text)
        for octets in ("", "abc", "abcde", "a" * 15, "a" * 17):
            self.assertIsNone(call(network.inet_ntop, octets))

    def test_reverse(self) -> None:
        """RFC 1035 3.5, RFC 3596 2.5, and a zone of one's own."""
        self.assertEqual(call(network.inet_reverse, "12.34.56.78"), "78.56.34.12.in-addr.arpa")
        self.assertEqual(
            call(network.inet_reverse, "4321:0:1:2:3:4:567:89ab"),
            "b.a.9.8.7.6.5.0.4.0.0.0.3.0.0.0.2.0.0.0.1.0.0.0.0.0.0.0.1.2.3.4.ip6.arpa",
        )
        self.assertEqual(
            call(network.inet_reverse, "12.34.56.78", "example.com"), "78.56.34.12.example.com"
        )


class IdentityTests(SynchronousTestCase):
    """serial(), gethostname() and uuid()."""

    def test_serial(self) -> None:
        """What the environment says, and a fault where neither it nor the machine says anything."""
        self.assertEqual(call(misc.serial, running=Running(serial="gw-17")), "gw-17")
        self.machine_ids("/nowhere")
        self.assertEqual(fault(misc.serial), "serial() is not available here")

    def machine_ids(self, *paths: str) -> None:
        self.patch(misc, "MACHINE_IDS", paths)
        misc.machine_serial.cache_clear()
        self.addCleanup(misc.machine_serial.cache_clear)

    def test_machine(self) -> None:
        """The hash of the first machine-id(5) that is one: HMAC-SHA-256, the first 128 bits."""
        bad, good = Path(self.mktemp()), Path(self.mktemp())
        bad.write_text("uninitialized\n")
        good.write_text("0123456789abcdef0123456789abcdef\n")
        self.machine_ids("/nowhere", str(bad), str(good))
        self.assertEqual(call(misc.serial), "e11ca75afb71544c0fd05fcc7dc07f48")

    def test_hostname(self) -> None:
        """The environment's."""
        self.assertEqual(
            call(misc.gethostname, running=Running(hostname="gw.example")), "gw.example"
        )

    def test_uuid(self) -> None:
        """A random one each time."""
        first, second = call(misc.uuid), call(misc.uuid)
        self.assertEqual(uuid.UUID(first).version, 4)
        self.assertNotEqual(first, second)


class SyslogTests(SynchronousTestCase):
    """syslog()."""

    def setUp(self) -> None:
        self.lines: list[tuple[int, str]] = []
        self.running = Running(syslog=lambda number, text, _: self.lines.append((number, text)))

    def test_names_and_numbers(self) -> None:
        """Names, numbers, and numbers with a facility."""
        for priority in ("emerg", "err", "debug", 0.0, 7.0, float(3 + (4 << 3)), 191.0):
            self.assertIsNone(call(misc.syslog, priority, "text", running=self.running))
        self.assertEqual([number for number, _ in self.lines], [0, 3, 7, 0, 7, 35, 191])
        self.assertEqual({text for _, text in self.lines}, {"text"})

    def test_faults(self) -> None:
        """Other names and numbers."""
        self.assertEqual(
            fault(misc.syslog, "error", "x", running=self.running),
            'syslog() parameter "priority" must be one of emerg, alert, crit, err, warning,'
            ' notice, info, debug; "error" given',
        )
        for number in (-1.0, 192.0, float("nan"), float("inf")):
            self.assertEqual(
                fault(misc.syslog, number, "x", running=self.running),
                f'syslog() parameter "priority" must be 0 to 191, {literal(number)} given',
            )
        self.assertEqual(self.lines, [])


class StatTests(SynchronousTestCase):
    """stat()."""

    def test_forwarded(self) -> None:
        """Name and numbers reach the environment."""
        seen: list[Any] = []
        running = Running(statistics=lambda name, numbers: seen.append((name, numbers)))
        call(misc.stat, "ip-family", Map({"ipv4": 1.0, "ipv6": 0.0}), running=running)
        self.assertEqual(seen, [("ip-family", {"ipv4": 1.0, "ipv6": 0.0})])

    def test_faults(self) -> None:
        """Names with other characters, what is no number, and nobody to count."""
        running = Running(statistics=lambda _name, _numbers: None)
        self.assertEqual(
            fault(misc.stat, "A b", [], running=running),
            'stat() parameter "name" must be of a-z, 0-9, "." and "-"',
        )
        self.assertEqual(
            fault(misc.stat, "a", Map({"b c": 1.0}), running=running),
            'stat() legends must be of a-z, A-Z, 0-9, "-" and "_"',
        )
        self.assertEqual(
            fault(misc.stat, "a", Map({"b": "1"}), running=running),
            "stat() legends must have numbers, string given",
        )
        self.assertEqual(fault(misc.stat, "a", []), "stat() is not available here")


class RateTests(SynchronousTestCase):
    """rate(), on the store's sliding window."""

    def setUp(self) -> None:
        self.running = Running()

    def rate(self, count: float, entry: str = "jo", interval: float = 60.0) -> Any:
        return call(misc.rate, "out", entry, count, interval, running=self.running)

    def test_limit(self) -> None:
        """So often and no more; a refused call does not count."""
        self.assertEqual([self.rate(3.0) for _ in range(5)], [True, True, True, False, False])
        self.assertEqual(self.rate(0.0), 3.0)
        self.assertIs(self.rate(4.0), True)

    def test_window_slides(self) -> None:
        """Each call is forgotten when the interval has passed since it."""
        self.rate(2.0)
        self.running.clock.advance(40)
        self.rate(2.0)
        self.assertIs(self.rate(2.0), False)
        self.running.clock.advance(21)
        self.assertEqual(self.rate(0.0), 1.0)
        self.assertIs(self.rate(2.0), True)
        self.assertEqual(self.rate(0.0, interval=5.0), 1.0)

    def test_entries_are_apart(self) -> None:
        """Each entry has its own rate, and each namespace."""
        self.assertIs(self.rate(1.0), True)
        self.assertIs(self.rate(1.0, entry="sam"), True)
        self.assertEqual(call(misc.rate, "in", "jo", 0.0, 60.0, running=self.running), 0.0)

    def test_sync_option(self) -> None:
        """The option of clusters is accepted."""
        made = call(misc.rate, "n", "e", 1.0, 60.0, options(sync=False), running=self.running)
        self.assertIs(made, True)

    def test_waits_for_the_store(self) -> None:
        """A store may answer later."""

        class Remote:
            def rate_add(self, *_: Any) -> Deferred[bool]:
                return succeed(False)

            def rate_count(self, *_: Any) -> Deferred[int]:
                return succeed(7)

        self.running = Running(store=Remote())
        self.assertIs(self.rate(1.0), False)
        self.assertEqual(self.rate(0.0), 7.0)
        self.assertTrue(misc.rate.waits)

    def test_faults(self) -> None:
        """Negative counts and empty intervals."""
        self.assertEqual(
            fault(misc.rate, "n", "e", -1.0, 60.0),
            'rate() parameter "count" must not be negative, -1 given',
        )
        for interval in (0.0, -1.0, float("inf"), float("nan")):
            self.assertEqual(
                fault(misc.rate, "n", "e", 1.0, interval),
                'rate() parameter "interval" must be more than 0 seconds and finite, '
                f"{literal(interval)} given",
            )


class Mailer:
    """Takes messages in as a gateway does."""

    def __init__(self) -> None:
        self.taken: list[Any] = []

    def submit(self, *arguments: Any) -> Deferred[str]:
        self.taken.append(arguments)
        return succeed(f"id-{len(self.taken)}")


class MailTests(SynchronousTestCase):
    """mail()."""

    def setUp(self) -> None:
        self.mailer = Mailer()
        self.running = Running(mailer=self.mailer, hostname="gw.example")
        self.running.clock.advance(1_000_000_000)

    def send(self, *arguments: Any) -> Any:
        found = call(misc.mail, *arguments, running=self.running)
        self.assertEqual(found, f"id-{len(self.mailer.taken)}")
        return self.mailer.taken[-1]

    def test_message(self) -> None:
        """The envelope, and a message that Python's email package reads."""
        sender, recipient, transport, octets, metadata = self.send(
            "jo@example.org",
            "sam@example.com",
            "Gr\xc3\xbc\xc3\x9fe",
            "Hello\nW\xc3\xb6rld",
            "local",
            options(sender_name='J "jo" \xc3\xb6', metadata=Map({"k": 1.0})),
        )
        self.assertEqual(
            (sender, recipient, transport, metadata),
            ("jo@example.org", "sam@example.com", "local", {"k": "1"}),
        )
        message: Any = email.message_from_bytes(octets, policy=email.policy.SMTP)
        self.assertEqual(message["Subject"], "Gr\u00fc\u00dfe")
        self.assertEqual(message["From"].addresses[0].display_name, 'J "jo" \u00f6')
        self.assertEqual(message["From"].addresses[0].addr_spec, "jo@example.org")
        self.assertEqual(message["To"], "sam@example.com")
        self.assertEqual(message["Date"], "Sun, 09 Sep 2001 01:46:40 -0000")
        self.assertTrue(message["Message-ID"].endswith("@gw.example>"))
        self.assertEqual(message.get_content(), "Hello\nW\u00f6rld")
        self.assertEqual(message.defects, [])

    def test_null_sender(self) -> None:
        """A message without sender is from the mail system."""
        taken = self.send("", ["sam", "example.com"], "S", "B", "local")
        self.assertEqual(taken[:2], ("", "sam@example.com"))
        self.assertIn(b"From: MAILER-DAEMON@gw.example\r\n", taken[3])

    def test_headers(self) -> None:
        """More headers, which replace the made ones of the same name."""
        given = Map({"X-Kind": "test", "subject": "Other", "Date": "today"})
        octets = self.send("a@b", "c@d", "S", "B", "local", options(headers=given))[3]
        message = email.message_from_bytes(octets)
        self.assertEqual(message.get_all("Subject"), ["Other"])
        self.assertEqual(message.get_all("Date"), ["today"])
        self.assertEqual(message["X-Kind"], "test")

    def test_no_injection(self) -> None:
        """Line ends in any argument start no header."""
        octets = self.send(
            "a@b",
            "c@d",
            "S\r\nBcc: x@y",
            "B",
            "local",
            options(sender_name="n\r\nBcc: x@y", headers=Map({"X": "v\nBcc: x@y"})),
        )[3]
        self.assertNotIn("bcc", [name.lower() for name in email.message_from_bytes(octets)])
        for sender in ("a@b\r\nRCPT TO:<x@y>", ["a\n", "b"]):
            self.assertEqual(
                fault(misc.mail, sender, "c@d", "S", "B", "t", running=self.running),
                'mail() parameter "sender" must not have control characters',
            )
        headers = options(headers=Map({"X: y\r\nBcc": "z"}))
        self.assertEqual(
            fault(misc.mail, "a@b", "c@d", "S", "B", "t", headers, running=self.running),
            'mail() parameter "name" is no header name: "X: y\\r\\nBcc"',
        )

    def test_faults(self) -> None:
        """No mailer, other arrays, other values."""
        self.assertEqual(
            fault(misc.mail, "a@b", "c@d", "S", "B", "t"), "mail() is not available here"
        )
        self.assertEqual(
            fault(misc.mail, ["a"], "c@d", "S", "B", "t", running=self.running),
            'mail() parameter "sender" must be [localpart, domain]',
        )
        self.assertEqual(
            fault(misc.mail, "a@b", "c@d", "S", "B", "t", options(metadata=[[]]),
                  running=self.running),
            'mail() option "metadata" must hold strings, array given',
        )  # fmt: skip
        self.assertEqual(self.mailer.taken, [])
