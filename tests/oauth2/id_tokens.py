"""Identity tokens, and the keys that a provider publishes for them."""

import json
import time

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from harness.tokens import _part


def number(value):
    return _part(value.to_bytes((value.bit_length() + 7) // 8, "big"))


class Key:
    """A key pair; `jwk` is its public half."""

    def __init__(self, algorithm="RS256", kid="key-1"):
        self.algorithm, self.kid = algorithm, kid
        self.jwk = {"kid": kid, "alg": algorithm, "use": "sig"}
        if algorithm == "RS256":
            self.private = rsa.generate_private_key(65537, 2048)
            numbers = self.private.public_key().public_numbers()
            self.jwk |= {"kty": "RSA", "n": number(numbers.n), "e": number(numbers.e)}
        elif algorithm == "ES256":
            self.private = ec.generate_private_key(ec.SECP256R1())
            numbers = self.private.public_key().public_numbers()
            self.jwk |= {"kty": "EC", "crv": "P-256", "x": _part(numbers.x.to_bytes(32, "big")), "y": _part(numbers.y.to_bytes(32, "big"))}
        else:
            self.private = ed25519.Ed25519PrivateKey.generate()
            self.jwk |= {"kty": "OKP", "crv": "Ed25519", "x": _part(self.private.public_key().public_bytes_raw())}

    def sign(self, claims, **header):
        header = {"alg": self.algorithm, "kid": self.kid, "typ": "JWT", **header}
        text = _part(json.dumps({key: value for key, value in header.items() if value is not None}).encode())
        text += "." + _part(json.dumps(claims).encode())
        if self.algorithm == "RS256":
            signature = self.private.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256())
        elif self.algorithm == "ES256":
            r, s = decode_dss_signature(self.private.sign(text.encode(), ec.ECDSA(hashes.SHA256())))
            signature = r.to_bytes(32, "big") + s.to_bytes(32, "big")
        else:
            signature = self.private.sign(text.encode())
        return f"{text}.{_part(signature)}"


def claims(**change):
    now = int(time.time())
    whole = {
        "iss": "https://id.example",
        "aud": "client-1",
        "sub": "1001",
        "exp": now + 600,
        "iat": now,
        "name": "Jane Doe",
        "email": "jane@example.com",
        "email_verified": True,
        **change,
    }
    return {key: value for key, value in whole.items() if value is not None}
