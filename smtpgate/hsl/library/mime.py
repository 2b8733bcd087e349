"""Messages that scripts build (manual: MIME)."""

from __future__ import annotations

import base64
import re
from typing import Annotated, Any, TypeAlias
from uuid import uuid4

from smtpgate.hsl.builtin import (
    ARRAY,
    BOOLEAN,
    NO_OPTIONS,
    STRING,
    Array,
    BuiltinClass,
    Kind,
    Option,
    Options,
    String,
    builtin,
)
from smtpgate.hsl.errors import Fault
from smtpgate.hsl.library import dkim, headerfield, submission
from smtpgate.hsl.library.capabilities import slow
from smtpgate.hsl.limits.bounds import check_string
from smtpgate.hsl.limits.turns import LONG, pause, pieces
from smtpgate.hsl.runtime.execution import Execution
from smtpgate.hsl.values import Object, arrays, literal, type_name

#: Parts within parts, and header fields of one part.
MAX_DEPTH = 50
MAX_FIELDS = 1000

# RFC 2045 5.1 token; RFC 2046 5.1.1 boundary.
_TOKEN = r"[!#$%&'*+.^_`{|}~0-9A-Za-z-]+"
_TYPE = re.compile(rf"{_TOKEN}/{_TOKEN}")
_BOUNDARY = re.compile(r"[0-9A-Za-z'()+_,./:=? -]{0,69}[0-9A-Za-z'()+_,./:=?-]")
_LINE_END = re.compile(r"\r\n|\r|\n")
#: Octets in a line of Base64 (RFC 2045 6.8), and in as many lines as are encoded at once.
_LINE = 57
_LINES = 1024 * _LINE

_ADD_OPTIONS = {
    "encode": Option(
        (BOOLEAN,), True, "Encode what is not US-ASCII (RFC 2047) and fold long values."
    ),
}

_DKIM_OPTIONS = {
    "canonicalization_header": Option(
        (STRING,), "relaxed", "How headers are compared.", ("simple", "relaxed")
    ),
    "canonicalization_body": Option(
        (STRING,), "relaxed", "How the body is compared.", ("simple", "relaxed")
    ),
    "algorithm": Option((STRING,), "rsa-sha256", "What signs.", dkim.ALGORITHMS),
    "additional_headers": Option((ARRAY,), [], "Headers to sign beside the others."),
    "oversign_headers": Option(
        (ARRAY,), ["from"], "Headers that nobody may add one of afterwards."
    ),
    "headers": Option((ARRAY,), None, "Headers to sign: those that RFC 6376 recommends."),
    "id": Option((BOOLEAN,), False, 'The key is a "pki:" name: not available.'),
}

_SEND_OPTIONS = {
    "metadata": Option((ARRAY,), [], "Strings by name that stay with the message."),
}

# The class as a type of parameters and results, nameable before the class is.
_Part: TypeAlias = Annotated[Any, Kind("MIME", lambda value: isinstance(value, MIME))]


class MIME(Object):
    """A message or a part of one, built piece by piece.

    .. code-block:: hsl

      $part = MIME();
      $part->setType("multipart/alternative");
      $part->appendPart(MIME()->setType("text/plain")->setBody("*Hello*"));
      $part->appendPart(MIME()->setType("text/html")->setBody("<b>Hello</b>"));
      echo length($part->toString()) > 100;  // => 1
    """

    __slots__ = ("body", "boundary", "content_type", "fields", "names", "parts", "signers")

    class_name = "MIME"

    def __init__(self) -> None:
        self.fields: list[str] = []
        #: Names of the fields that were added, in lower case.
        self.names: dict[str, str] = {}
        self.parts: list[MIME] = []
        self.body = ""
        self.content_type = "text/plain"
        self.boundary: str | None = None
        self.signers: list[dkim.Signer] = []

    @builtin("MIME")
    @staticmethod
    def constructor() -> _Part:
        """A part of type ``text/plain`` without headers and content.

        .. code-block:: hsl

          echo MIME()->setBody("Hello")->toString() =~ "SGVsbG8=";  // => 1
        """
        return MIME()

    @builtin("addHeader", options=_ADD_OPTIONS)
    def addHeader(self, name: String, value: String, options: Options = NO_OPTIONS) -> _Part:
        """Add a header, which stands behind those that were added before.

        A ``Content-Type`` replaces that of :func:`setType`; with a
        ``Content-Transfer-Encoding`` the body is left as it is.  A value cannot
        start another header: line ends become spaces, and without ``encode``
        those that do not fold the value are an error.

        :param string name: the header's name
        :param string value: the header's value, in UTF-8
        :param array options: options array
        :return: this
        :rtype: MIME

        .. code-block:: hsl

          $mail = MIME()->addHeader("Subject", "Hello\\nBcc: jo@example.org");
          echo $mail->toString() =~ "Subject: Hello Bcc: jo@";  // => 1
        """
        self.add("addHeader()", name, value, options["encode"])
        return self

    @builtin("appendPart")
    def appendPart(self, part: _Part) -> _Part:
        """Add a part; the type has to be set to one of ``multipart/*`` as well.

        :param MIME part: the part
        :return: this
        :rtype: MIME

        .. code-block:: hsl

          $mail = MIME()->setType("multipart/mixed")->setBoundary("line");
          echo $mail->appendPart(MIME()->setBody("Hello"))->toString() =~ "--line--";  // => 1
        """
        if _contains(part, self):
            raise Fault("appendPart(): a part cannot contain itself")
        self.parts.append(part)
        return self

    @builtin("setBody")
    def setBody(self, body: String) -> _Part:
        """Set the content, or what stands before the parts of a multipart.

        It is encoded in Base64 unless there is a ``Content-Transfer-Encoding`` header.

        :param string body: the content
        :return: this
        :rtype: MIME

        .. code-block:: hsl

          $mail = MIME()->addHeader("Content-Transfer-Encoding", "7bit")->setBody("Hello");
          echo $mail->toString()[-5:];  // => Hello
        """
        self.body = body
        return self

    @builtin("setType")
    def setType(self, type: String) -> _Part:
        """Set the type in the ``Content-Type``; texts are declared to be in UTF-8.

        :param string type: the type, such as ``text/html``
        :return: this
        :rtype: MIME

        .. code-block:: hsl

          echo MIME()->setType("text/html")->toString() =~ "text/html; charset=utf-8";  // => 1
        """
        if _TYPE.fullmatch(type) is None:
            raise Fault(f'setType() parameter "type" is no content type: {literal(type[:80])}')
        self.content_type = type
        return self

    @builtin("setBoundary")
    def setBoundary(self, boundary: String) -> _Part:
        """Set what separates the parts of a multipart; a unique one is made if it is not set.

        :param string boundary: 1 to 70 characters that RFC 2046 allows
        :return: this
        :rtype: MIME

        .. code-block:: hsl

          $mail = MIME()->setType("multipart/mixed")->setBoundary("abc");
          echo $mail->toString() =~ ''boundary="abc"'';  // => 1
        """
        if _BOUNDARY.fullmatch(boundary) is None:
            raise Fault(
                f'setBoundary() parameter "boundary" is no boundary: {literal(boundary[:80])}'
            )
        self.boundary = boundary
        return self

    @builtin("signDKIM", options=_DKIM_OPTIONS)
    def signDKIM(
        self, selector: String, domain: String, key: String, options: Options = NO_OPTIONS
    ) -> _Part:
        """Sign the finished message with DKIM (RFC 6376, RFC 8463).

        The signature is made when the message is sent or turned into a string,
        so it covers headers that are added later.

        :param string selector: the selector
        :param string domain: the signing domain
        :param string key: the private key in PEM format; for ``ed25519-sha256`` its 32
            octets will do, too
        :param array options: options array
        :return: this
        :rtype: MIME

        .. code-block:: hsl

          $mail = MIME()->addHeader("From", "jo@example.org")->setBody("Hello");
          $mail->signDKIM("mail", "example.org", random_bytes(32),
              ["algorithm" => "ed25519-sha256"]);
          echo $mail->toString() =~ "a=ed25519-sha256";  // => 1
        """
        if options["id"] or key.startswith("pki:"):
            raise Fault('signDKIM(): keys named "pki:" are not available here; pass the key itself')
        oversign = _lower("oversign_headers", options["oversign_headers"])
        chosen: tuple[str, ...] = dkim.RECOMMENDED
        if options["headers"] is not None:
            chosen = _lower("headers", options["headers"])
        additional = _lower("additional_headers", options["additional_headers"])
        headers = tuple(dict.fromkeys((*chosen, *additional, *oversign)))
        dkim.check_names(selector, domain, headers)
        algorithm = options["algorithm"]
        signer = dkim.Signer(
            selector,
            domain,
            dkim.load_key(key, algorithm),
            algorithm,
            options["canonicalization_header"] == "relaxed",
            options["canonicalization_body"] == "relaxed",
            headers,
            oversign,
        )
        if len(self.signers) >= 10:
            raise Fault("signDKIM(): a message may have at most 10 signatures")
        self.signers.append(signer)
        return self

    @builtin("toString")
    def toString(self, execution: Execution) -> String:
        """The whole message, with CRLF line ends.

        :return: the message
        :rtype: string

        .. code-block:: hsl

          $mail = MIME()->addHeader("Content-Transfer-Encoding", "7bit")->setBody("Hello");
          echo $mail->toString() =~ "MIME-Version: 1.0";  // => 1
        """
        with slow(execution):
            return self.finished(execution.environment.clock.seconds())

    @builtin("send", options=_SEND_OPTIONS, waits=True)
    def send(
        self,
        execution: Execution,
        sender: String | Array,
        recipient: String | Array,
        transportid: String,
        options: Options = NO_OPTIONS,
    ) -> String | None:
        """Send the message.

        The script waits until the transport has it: there is no queue.  A transport that does
        not take it is logged, and gives none.

        :param sender: the sender's address, as a string or ``[localpart, domain]``;
            ``""`` for none
        :type sender: string or array
        :param recipient: the recipient's address, likewise
        :type recipient: string or array
        :param string transportid: the transport
        :param array options: options array
        :return: the message's id, or none
        :rtype: string or none

        .. code-block:: hsl

          $mail = MIME()->addHeader("Subject", "Hello")->setBody("Hi, how are you?");
          $mail->send("", "jo@example.org", "local");
        """
        return submission.submit(
            execution,
            "MIME->send()",
            submission.address("send()", "sender", sender),
            submission.address("send()", "recipient", recipient),
            transportid,
            self.finished(execution.environment.clock.seconds()),
            submission.strings("send()", "metadata", options["metadata"]),
        )

    def add(self, function: str, name: str, value: str, encode: bool) -> None:
        """Add a header; ``function`` is the script's, as messages name it."""
        if len(self.fields) >= MAX_FIELDS:
            raise Fault(f"{function}: a part may have at most {MAX_FIELDS} headers")
        self.fields.append(headerfield.make(function, name, value, encode))
        self.names[name.lower()] = value.strip(" \t").lower()

    def finished(self, now: float) -> str:
        """The whole message with its signatures, made at ``now`` (seconds since 1970)."""
        message = self.render(0)
        signatures = [dkim.signature(signer, message, now) for signer in self.signers]
        return "".join(f"{field}\r\n" for field in signatures) + message

    def render(self, depth: int) -> str:
        """The part, or at ``depth`` 0 the message, in octets."""
        if depth > MAX_DEPTH:
            raise Fault(f"toString(): parts may be nested at most {MAX_DEPTH} deep")
        fields = list(self.fields)
        if depth == 0 and "mime-version" not in self.names:
            fields.append("MIME-Version: 1.0")
        multipart = bool(self.parts) or self.content_type.lower().startswith("multipart/")
        if "content-type" not in self.names:
            fields.append(self._type_field())
        elif not self.parts:
            multipart = False
        body = self._multipart(depth) if multipart else self._leaf(fields)
        text = "".join(f"{field}\r\n" for field in fields) + "\r\n" + body
        check_string(len(text))
        return text

    def _type_field(self) -> str:
        kind = self.content_type.lower()
        if kind.startswith("multipart/"):
            return f'Content-Type: {self.content_type};\r\n boundary="{self._made_boundary()}"'
        if self.parts:
            raise Fault(
                "toString(): a part with parts must have a multipart type;"
                ' call setType("multipart/mixed")'
            )
        if kind.startswith("text/"):
            return f"Content-Type: {self.content_type}; charset=utf-8"
        return f"Content-Type: {self.content_type}"

    def _made_boundary(self) -> str:
        if self.boundary is None:
            self.boundary = str(uuid4())
        return self.boundary

    def _multipart(self, depth: int) -> str:
        boundary = self._made_boundary()
        texts = [_with_line_ends(self.body)] if self.body else []
        size = 0
        for part in self.parts:
            texts.append(part.render(depth + 1))
            size += len(texts[-1])
            check_string(size)
        for text in texts:
            if text.startswith(f"--{boundary}") or f"\n--{boundary}" in text:
                raise Fault(f'toString(): the boundary "{boundary}" occurs in a part')
            pause()
        preamble = f"{texts.pop(0)}\r\n" if self.body else ""
        text = preamble + "".join(f"--{boundary}\r\n{text}\r\n" for text in texts)
        pause()
        return f"{text}--{boundary}--\r\n"

    def _leaf(self, fields: list[str]) -> str:
        encoding = self.names.get("content-transfer-encoding")
        if encoding is None and self.content_type.lower().startswith("message/"):
            # RFC 2046 5.2.1: a message is never encoded.
            encoding = "7bit" if self.body.isascii() else "8bit"
            fields.append(f"Content-Transfer-Encoding: {encoding}")
        if encoding is None:
            fields.append("Content-Transfer-Encoding: base64")
            lines = -(-len(self.body) // _LINE)
            check_string((len(self.body) + 2) // 3 * 4 + 2 * lines)
            return "".join(map(_in_base64, pieces(self.body, _LINES)))
        # Lines end in CRLF on the wire: what is signed must be what is sent.
        return self.body if encoding == "binary" else _with_line_ends(self.body)


def _in_base64(octets: str) -> str:
    lines = base64.encodebytes(octets.encode("latin-1"))
    return lines.replace(b"\n", b"\r\n").decode("ascii")


def _with_line_ends(text: str) -> str:
    """The text with all its line ends as CRLF, made with turns for others."""
    texts: list[str] = []
    length = begin = 0
    while begin < len(text):
        end = begin + LONG
        # Not between the two octets of a line end.
        if text[end - 1 : end + 1] == "\r\n":
            end += 1
        texts.append(_LINE_END.sub("\r\n", text[begin:end]))
        length += len(texts[-1])
        check_string(length)
        begin = end
        if begin < len(text):
            pause()
    return "".join(texts)


def _contains(part: MIME, wanted: MIME) -> bool:
    """Whether a part is, or has somewhere below it, another."""
    seen: set[int] = set()
    waiting = [part]
    while waiting:
        found = waiting.pop()
        if found is wanted:
            return True
        if id(found) not in seen:
            seen.add(id(found))
            waiting += found.parts
    return False


def _lower(option: str, names: Array) -> tuple[str, ...]:
    for name in arrays.values(names):
        if not isinstance(name, str):
            raise Fault(f'signDKIM() option "{option}" must hold strings, {type_name(name)} given')
    return tuple(name.lower() for name in arrays.values(names))


FUNCTIONS = ()
CLASSES = (BuiltinClass(MIME),)
