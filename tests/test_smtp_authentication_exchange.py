"""AUTH: exchanges, and who decides."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from smtpgate.smtp.reply import Reply
from smtpgate.smtp.server.policy import Accept, AuthStep, Challenge, Policy
from smtpgate.smtp.session import Connection
from tests.support.smtp import TLS, Client, portal


class AuthTests(SynchronousTestCase):
    """AUTH."""

    def client(self, policy: Policy | None = None, **values: Any) -> Client:
        values.setdefault("mechanisms", ("PLAIN", "LOGIN"))
        client = Client(policy, portal=portal(joe="secret"), auth_require_tls=False, **values)
        client.say("EHLO me")
        return client

    def test_login(self) -> None:
        """LOGIN asks twice, or once when the name came along."""
        client = self.client()
        self.assertEqual(
            client.say("AUTH LOGIN", "am9l", "c2VjcmV0"),
            "334 VXNlcm5hbWU6\n334 UGFzc3dvcmQ6\n235 2.7.0 Authentication succeeded\n",
        )
        client = self.client()
        self.assertEqual(
            client.say("AUTH LOGIN am9l", "c2VjcmV0"),
            "334 UGFzc3dvcmQ6\n235 2.7.0 Authentication succeeded\n",
        )
        self.assertEqual(
            (client.connection.username, client.connection.mechanism), ("joe", "LOGIN")
        )

    def test_empty_initial_response(self) -> None:
        """An equals sign is a response of no octets, and means nothing later."""
        client = self.client()
        self.assertEqual(client.say("AUTH PLAIN ="), "501 5.5.2 Cannot decode the response\n")
        self.assertEqual(
            client.say("AUTH PLAIN", "="), "334 \n501 5.5.2 Cannot decode the response\n"
        )

    def test_wrong(self) -> None:
        """Wrong names and wrong passwords are answered alike."""
        heard = {
            self.client().say("AUTH PLAIN " + b64encode(response).decode())
            for response in (b"\0joe\0wrong", b"\0ann\0secret", b"ann\0joe\0secret")
        }
        self.assertEqual(heard, {"535 5.7.8 Authentication failed\n"})

    def test_long_response(self) -> None:
        """A response that is too long ends the exchange; the next line is a command."""
        client = self.client()
        self.assertEqual(
            client.say("AUTH PLAIN", "A" * 20000, "NOOP"),
            "334 \n500 5.5.6 Authentication exchange line is too long\n250 2.0.0 OK\n",
        )

    def test_order(self) -> None:
        """Not before EHLO, not in a transaction, not twice."""
        client = Client(portal=portal(joe="secret"), mechanisms=("PLAIN",), auth_require_tls=False)
        login = "AUTH PLAIN AGpvZQBzZWNyZXQ="
        self.assertEqual(client.say("HELO me", login).splitlines()[1], "503 5.5.1 Say EHLO first")
        self.assertEqual(
            client.say("EHLO me", "MAIL FROM:<>", login).splitlines()[-1],
            "503 5.5.1 AUTH is not allowed during a mail transaction",
        )
        self.assertEqual(
            client.say("RSET", login, login).splitlines()[1:],
            ["235 2.7.0 Authentication succeeded", "503 5.5.1 Authenticated already"],
        )

    def test_needs_tls(self) -> None:
        """Neither offered nor taken in clear."""
        client = Client(portal=portal(joe="x"), mechanisms=("PLAIN",), tls=object())
        self.assertNotIn("AUTH", client.say("EHLO me"))
        self.assertEqual(
            client.say("AUTH PLAIN"),
            "538 5.7.11 Encryption required for this authentication mechanism\n",
        )
        client.say("STARTTLS")
        client.handshake()
        self.assertIn("AUTH PLAIN\n", client.say("EHLO me"))
        self.assertEqual(client.say("AUTH PLAIN"), "334 \n")

    def test_not_configured(self) -> None:
        """Without mechanisms there is no AUTH."""
        client = Client()
        client.say("EHLO me")
        self.assertEqual(client.say("AUTH PLAIN"), "502 5.5.1 AUTH is not offered here\n")

    def test_portal_trouble(self) -> None:
        """A portal that fails is a temporary failure, and says nothing about the password."""
        client = self.client()
        broken = client.server.portal
        assert broken is not None
        broken.realm = None
        self.assertEqual(
            client.say("AUTH PLAIN AGpvZQBzZWNyZXQ="),
            "454 4.7.0 Temporary authentication failure\n",
        )
        self.assertIn("trouble", client.observer.names())

    def test_logout(self) -> None:
        """The avatar is told when the client has gone."""
        client = self.client()
        client.say("AUTH PLAIN AGpvZQBzZWNyZXQ=")
        assert client.server.portal is not None
        account = client.server.portal.realm.accounts[0]
        self.assertFalse(account.logged_out)
        client.leave()
        self.assertTrue(account.logged_out)

    def test_secrets_are_not_observed(self) -> None:
        """A refused AUTH line is not shown to the observer, nor is the password in a step."""
        client = self.client()
        client.say("AUTH PLAIN AGpvZQB3cm9uZw==", "AUTH LOGIN am9l", "d3Jvbmc=")
        self.assertEqual(client.observer.of("command_refused"), [])
        self.assertEqual(len(client.observer.of("authentication_failed")), 2)
        self.assertNotIn("secret", repr(AuthStep("PLAIN", 0, b"secret", "joe", "secret")))

    def test_external_needs_a_certificate(self) -> None:
        """EXTERNAL is not offered, nor taken, without a verified certificate."""
        client = Client(portal=portal(joe="x"), mechanisms=("EXTERNAL",), tls=object())
        client.say("STARTTLS")
        client.handshake(TLS)
        self.assertNotIn("AUTH", client.say("EHLO me"))
        self.assertEqual(
            client.say("AUTH EXTERNAL ="), "504 5.5.4 Unrecognised authentication mechanism\n"
        )

    def test_policy_decides(self) -> None:
        """The policy sees names and passwords before the portal; None leaves it to the portal."""
        steps: list[AuthStep] = []

        class Deciding(Policy):
            decides_auth = True

            def auth(self, connection: Connection, step: AuthStep) -> Any:
                steps.append(step)
                return {
                    "ann": Accept(username="Ann"),
                    "eve": Reply(535, ("not you",), (5, 7, 8)),
                }.get(step.username or "")

        for name, code in (("ann", "235"), ("eve", "535"), ("joe", "235"), ("bob", "535")):
            client = self.client(Deciding())
            heard = client.say("AUTH PLAIN " + b64encode(f"\0{name}\0secret".encode()).decode())
            self.assertEqual(heard[:3], code, name)
        self.assertEqual((steps[0].username, steps[0].password), ("ann", "secret"))
        self.assertEqual(steps[0].mechanism, "PLAIN")

    def test_own_mechanism(self) -> None:
        """A mechanism that is not built in is the policy's, challenge by challenge."""
        steps: list[tuple[int, bytes]] = []

        class Own(Policy):
            decides_auth = True

            def auth(self, connection: Connection, step: AuthStep) -> Any:
                steps.append((step.state, step.response))
                return Challenge(b"who?") if step.state == 0 else Accept(username="joe")

        client = self.client(Own(), mechanisms=("X-OWN",))
        self.assertEqual(
            client.say("AUTH X-OWN", "am9l"), "334 d2hvPw==\n235 2.7.0 Authentication succeeded\n"
        )
        self.assertEqual(steps, [(0, b""), (1, b"joe")])
        self.assertEqual(
            (client.connection.username, client.connection.mechanism), ("joe", "X-OWN")
        )
