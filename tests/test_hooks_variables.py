"""What scripts see of a session."""

from twisted.trial.unittest import SynchronousTestCase

from smtpgate.config import Hooks
from smtpgate.hooks.letter import Letter
from smtpgate.hooks.questions import Hello, Sender
from smtpgate.hooks.table import HOOKS, PROXY
from smtpgate.hooks.variables import Variables
from smtpgate.hsl.runtime import compile_script
from smtpgate.hsl.values import Map
from smtpgate.smtp.address import Mailbox
from smtpgate.smtp.mail.spool import Spool
from smtpgate.smtp.server.policy import AuthStep
from smtpgate.smtp.session import Connection, Recipient, TLSInfo, Transaction

MAILBOX = Mailbox("Al", "Example.com")
#: What each hook is asked about.
SUBJECTS = {
    "proxy": b"NOOP",
    "connect": None,
    "helo": Hello("EHLO", "client.example.org", lambda: ("SIZE 1000",)),
    "auth": AuthStep("CRAM", 1, b"response"),
    "mailfrom": Sender(MAILBOX, {"SIZE": "1000"}),
    "rcptto": Recipient(MAILBOX, {"NOTIFY": "NEVER"}, "local"),
    "eodonce": Letter(Spool(None), Transaction()),
    "eodrcpt": Letter(Spool(None), Transaction()).addressed(Recipient(MAILBOX, {}, "local")),
    "disconnect": None,
}

SEED = {
    "senderip", "senderport", "serverip", "serverport", "serverid", "senderhelo", "tlsstarted",
    "saslauthed", "saslusername", "transaction", "command",
}  # fmt: skip


def connection(**fields):
    return Connection(
        server_id="inbound",
        peer_ip="192.0.2.7",
        peer_port=41666,
        local_ip="10.0.0.1",
        local_port=25,
        **fields,
    )


def variables(session, line=b"NOOP"):
    return Variables(PROXY.makers, session, line)


class TableTests(SynchronousTestCase):
    """The hooks as data."""

    def test_names(self):
        """A hook is found by the name that the configuration has for it."""
        self.assertEqual({name: hook.name for name, hook in HOOKS.items()}, {n: n for n in HOOKS})
        self.assertEqual(set(HOOKS) - set(Hooks.model_fields), set())

    def test_proxy_variables(self):
        """The proxy hook has its manual's variables, and the later manuals' two arrays."""
        self.assertEqual(PROXY.context.readonly, SEED | {"arguments", "connection"})
        self.assertEqual(PROXY.context.writable, {"context"})

    def test_proxy_functions(self):
        """The proxy hook has Pass and Reply, and no other way to decide."""
        self.assertEqual(list(PROXY.context.functions), ["Pass", "Reply"])

    def test_every_variable(self):
        """Each hook can make each of its variables, of the kind that its row says."""
        kinds = {"string": str, "number": float, "boolean": bool, "array": (list, Map)}
        for hook in HOOKS.values():
            made = Variables(hook.makers, connection(), SUBJECTS[hook.name])
            for name, variable in hook.variables.items():
                self.assertIsInstance(made[name], kinds[variable.kind], name)
                self.assertTrue(variable.text, name)

    def test_kinds_are_relied_on(self):
        """Compiled code need not look at what a row promises to be a string or a number."""
        script = compile_script(
            'if ($command == "A" and $senderport != 25 and $context == "B") Pass();',
            "kinds.hsl",
            PROXY.context,
        )
        self.assertIn("V['command'] == 'A' and V['senderport'] != 25.0", script.python)
        self.assertIn("loose_equal(V['context'], 'B')", script.python)


class ConnectionVariablesTests(SynchronousTestCase):
    """The variables of the connection."""

    def test_addresses(self):
        """Both ends, as text and numbers."""
        seen = variables(connection())
        self.assertEqual(seen["senderip"], "192.0.2.7")
        self.assertEqual(seen["senderport"], 41666)
        self.assertEqual(seen["serverip"], "10.0.0.1")
        self.assertEqual(seen["serverport"], 25)
        self.assertEqual(seen["serverid"], "inbound")

    def test_nothing_known(self):
        """Before EHLO, TLS and AUTH."""
        seen = variables(connection())
        self.assertEqual(seen["senderhelo"], "")
        self.assertIs(seen["tlsstarted"], False)
        self.assertIs(seen["saslauthed"], False)
        self.assertEqual(seen["saslusername"], "")

    def test_all_known(self):
        """After EHLO, TLS and AUTH."""
        seen = variables(
            connection(
                helo="client.example.org",
                helo_verb="EHLO",
                tls=TLSInfo("TLSv1.3", "TLS_AES_256_GCM_SHA384", 256),
                username="jo",
                mechanism="PLAIN",
            )
        )
        self.assertEqual(seen["senderhelo"], "client.example.org")
        self.assertIs(seen["tlsstarted"], True)
        self.assertIs(seen["saslauthed"], True)
        self.assertEqual(seen["saslusername"], "jo")
        self.assertEqual(
            seen["connection"],
            {
                "remoteip": "192.0.2.7",
                "remoteport": 41666,
                "localip": "10.0.0.1",
                "localport": 25,
                "serverid": "inbound",
                "helo": {"verb": "EHLO", "host": "client.example.org"},
                "tls": {
                    "protocol": "TLSv1.3",
                    "cipher": "TLS_AES_256_GCM_SHA384",
                    "keysize": 256,
                },
                "auth": {"mechanism": "PLAIN", "username": "jo"},
            },
        )

    def test_connection_array_early(self):
        """$connection leaves out what is not known, and has the client's name when it is."""
        early = variables(connection())["connection"]
        self.assertEqual(
            list(early), ["remoteip", "remoteport", "localip", "localport", "serverid"]
        )
        named = variables(connection(peer_ptr="mail.example.com"))["connection"]
        self.assertEqual(named["remoteptr"], "mail.example.com")

    def test_unknown_mechanism(self):
        """Somebody whom a proxy has introduced has authenticated by no mechanism of ours."""
        made = variables(connection(username="jo"))["connection"]
        self.assertEqual(made["auth"], {"mechanism": "", "username": "jo"})

    def test_username_of_nobody(self):
        """An empty user name is still somebody who has authenticated."""
        seen = variables(connection(username=""))
        self.assertIs(seen["saslauthed"], True)
        self.assertEqual(seen["saslusername"], "")


class CommandVariableTests(SynchronousTestCase):
    """The line."""

    def test_octets(self):
        """A character an octet, whatever the octets mean."""
        seen = variables(connection(), bytes(range(1, 256)))
        self.assertEqual(seen["command"].encode("latin-1"), bytes(range(1, 256)))

    def test_arguments(self):
        """$arguments has the line too."""
        self.assertEqual(variables(connection(), b"NOOP")["arguments"], {"command": "NOOP"})


class TransactionVariableTests(SynchronousTestCase):
    """$transaction."""

    def test_before_mail(self):
        """Only its name, which stays while the transaction lasts."""
        session = connection()
        first = variables(session)["transaction"]
        self.assertEqual(list(first), ["id"])
        self.assertEqual(variables(session)["transaction"], first)
        session.new_transaction()
        self.assertNotEqual(variables(session)["transaction"], first)

    def test_whole_envelope(self):
        """Addresses in lower case, their parts and parameters as they were sent."""
        session = connection()
        transaction = session.transaction
        transaction.has_sender = True
        transaction.sender = Mailbox("Jo", "Example.ORG")
        transaction.sender_params = {"SIZE": "2048", "SMTPUTF8": ""}
        transaction.started = 1575558785.5
        transaction.recipients.append(
            Recipient(Mailbox("Al", "Example.COM"), {"NOTIFY": "NEVER"}, "local")
        )
        transaction.recipients.append(Recipient(Mailbox("Postmaster", ""), {}, "other"))
        self.assertEqual(
            variables(session)["transaction"],
            {
                "id": transaction.id,
                "ts": 1575558785.5,
                "sender": "jo@example.org",
                "senderlocalpart": "Jo",
                "senderdomain": "Example.ORG",
                "senderaddress": {"localpart": "Jo", "domain": "Example.ORG"},
                "senderparams": {"SIZE": "2048", "SMTPUTF8": ""},
                "recipients": [
                    {
                        "recipient": "al@example.com",
                        "recipientlocalpart": "Al",
                        "recipientdomain": "Example.COM",
                        "address": {"localpart": "Al", "domain": "Example.COM"},
                        "recipientparams": {"NOTIFY": "NEVER"},
                        "params": {"NOTIFY": "NEVER"},
                        "transportid": "local",
                    },
                    {
                        "recipient": "postmaster",
                        "recipientlocalpart": "Postmaster",
                        "recipientdomain": "",
                        "address": {"localpart": "Postmaster", "domain": ""},
                        "recipientparams": [],
                        "params": [],
                        "transportid": "other",
                    },
                ],
            },
        )

    def test_null_sender(self):
        """``<>`` is a sender: an empty one."""
        session = connection()
        session.transaction.has_sender = True
        made = variables(session)["transaction"]
        self.assertEqual(made["sender"], "")
        self.assertEqual(made["senderlocalpart"], "")
        self.assertEqual(made["senderdomain"], "")
        self.assertEqual(made["senderaddress"], {"localpart": "", "domain": ""})
        self.assertEqual(made["senderparams"], [])
        self.assertEqual(made["recipients"], [])

    def test_arrays_are_arrays(self):
        """Inner arrays are values of the language, not Python's."""
        session = connection()
        session.transaction.has_sender = True
        session.transaction.sender_params = {"SIZE": "1"}
        session.transaction.recipients.append(Recipient(Mailbox("a", "b"), {}, "local"))
        made = variables(session)["transaction"]
        self.assertIs(type(made), Map)
        self.assertIs(type(made["senderparams"]), Map)
        self.assertIs(type(made["recipients"]), list)
        self.assertIs(type(made["recipients"][0]), Map)


class LazinessTests(SynchronousTestCase):
    """What is not read is not made, and what is read is made once."""

    def test_nothing_at_first(self):
        """The mapping starts empty; reading fills it."""
        seen = variables(connection())
        self.assertEqual(dict(seen), {})
        self.assertIs(seen["transaction"], seen["transaction"])
        self.assertEqual(list(seen), ["transaction"])

    def test_transaction_has_no_name_until_asked(self):
        """A name is made for a transaction that a script asks about, and for no other."""
        session = connection()
        variables(session)["command"]
        self.assertIsNone(session.transaction._id)

    def test_unknown(self):
        """A name that the hook does not have."""
        self.assertRaises(KeyError, variables(connection()).__getitem__, "sender")


class ContextVariableTests(SynchronousTestCase):
    """$context belongs to the connection."""

    def test_starts_as_none(self):
        """Nobody has written to it."""
        self.assertIsNone(variables(connection())["context"])

    def test_outlives_the_evaluation(self):
        """What one script writes the next one reads."""
        session = connection()
        variables(session)["context"] = "mine"
        self.assertEqual(session.context, "mine")
        self.assertEqual(variables(session)["context"], "mine")

    def test_is_not_held_twice(self):
        """The mapping keeps no copy: in-place writes see one holder, the connection."""
        session = connection()
        seen = variables(session)
        seen["context"] = [1.0]
        self.assertEqual(seen["context"], [1.0])
        self.assertEqual(dict(seen), {})

    def test_other_names_are_kept(self):
        """Only $context is special."""
        session = connection()
        seen = variables(session)
        seen["command"] = "QUIT"
        self.assertEqual(seen["command"], "QUIT")
        self.assertIsNone(session.context)
