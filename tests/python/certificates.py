# SPDX-License-Identifier: Apache-2.0
"""Authorities and certificates for tests, in files."""

import atexit
import datetime
import functools
import shutil
import tempfile
from pathlib import Path

import trustme

import unity


class Certificates:
    """An authority, and certificates of it in a folder."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.authority = trustme.CA()
        self.ca = self.folder / "ca.pem"
        self.authority.cert_pem.write_to_path(self.ca)

    def issue(self, name, *hosts, days=1, authority=None):
        """(certificate, key): the paths of new files. It is valid from a week ago, for so many
        days from now, which may be negative."""
        now = datetime.datetime.now(datetime.UTC)
        leaf = (authority or self.authority).issue_cert(
            *(hosts or ("localhost", "127.0.0.1", "::1")),
            common_name=name,
            not_before=now - datetime.timedelta(days=7),
            not_after=now + datetime.timedelta(days=days),
        )
        certificate, key = self.folder / f"{name}.pem", self.folder / f"{name}.key"
        certificate.write_bytes(b"".join(pem.bytes() for pem in leaf.cert_chain_pems))
        key.touch(mode=0o600)
        leaf.private_key_pem.write_to_path(key)
        return certificate, key

    def server(self, name="server", *hosts, **more):
        """Options of a server with a new certificate."""
        certificate, key = self.issue(name, *hosts, **more)
        return ["--tls-cert", certificate, "--tls-key", key]

    def tls(self, **more):
        """A unity.TLS that trusts the authority."""
        return unity.TLS(ca=self.ca, **more)


@functools.cache
def common():
    """(Certificates, options of a server): one for all tests of this process."""
    folder = tempfile.mkdtemp(prefix="unity-tls-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    certificates = Certificates(folder)
    return certificates, certificates.server()
