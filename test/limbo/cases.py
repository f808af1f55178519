"""Prints the cases that a clone of C2SP/x509-limbo makes by itself, as JSON: a line each. Its servers are clients here."""

import sys

sys.path.insert(0, sys.argv[1])

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

CLIENT, SERVER = x509.OID_CLIENT_AUTH, x509.OID_SERVER_AUTH


def call(client, server):
    x509.OID_CLIENT_AUTH = ExtendedKeyUsageOID.CLIENT_AUTH = client
    x509.OID_SERVER_AUTH = ExtendedKeyUsageOID.SERVER_AUTH = server


# The leaf of a case is one for a server, where it says nothing.
call(client=SERVER, server=CLIENT)

from limbo.testcases import registry

for name, make in registry.items():
    call(client=SERVER, server=CLIENT)
    try:
        case = make()
        if case.validation_kind == "CLIENT":
            call(client=CLIENT, server=SERVER)
            case = make()
        print(case.model_dump_json())
    except TypeError as error:
        print(f"{name} cannot be made: {error}", file=sys.stderr)
