"""Ports for what a command starts: free, different, and no client's."""

import socket

from gateway.cli.ports import free_ports


def test_ports_are_different_and_can_be_listened_on():
    found = free_ports(20)
    assert len(set(found)) == 20
    for port in found:
        socket.create_server(("127.0.0.1", port)).close()


def test_a_port_is_none_the_system_gives_to_connections_that_go_out():
    assert all(port < 32_768 for port in free_ports(20))
