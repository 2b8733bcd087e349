"""Sockets (manual: Socket): what needs no network."""

from __future__ import annotations

from smtpgate.hsl.builtin import BuiltinClass, String, Value, builtin
from smtpgate.hsl.errors import Fault
from smtpgate.hsl.library.network import pack_address
from smtpgate.hsl.values import Object


class Socket(Object):
    """Helpers for socket addresses.

    .. code-block:: hsl

      echo Socket::AF("192.0.2.1");  // => AF_INET
    """

    __slots__ = ()

    class_name = "Socket"

    @builtin("Socket")
    @staticmethod
    def constructor(family: String, type: String) -> Value:
        """Network connections are not available: an error.

        :param string family: ``AF_INET`` or ``AF_INET6``
        :param string type: ``SOCK_STREAM`` or ``SOCK_DGRAM``
        """
        raise Fault("Socket is not available here")

    @builtin("AF")
    @staticmethod
    def AF(address: String) -> String | None:
        """The family of an address; none if it is no address.

        :param string address: an IPv4 or IPv6 address
        :return: ``AF_INET`` or ``AF_INET6``
        :rtype: string or none

        .. code-block:: hsl

          echo Socket::AF("2001:db8::1");  // => AF_INET6
        """
        octets = pack_address(address)
        if octets is None:
            return None
        return "AF_INET" if len(octets) == 4 else "AF_INET6"


FUNCTIONS = ()
CLASSES = (BuiltinClass(Socket),)
