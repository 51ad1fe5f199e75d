#!/usr/bin/env python3
"""Makes testdata/gcm_hex.json by an implementation that is not ours: hashlib's PBKDF2 and cryptography's AES-GCM (OpenSSL).

    python3 crates/legacy/testdata/make.py > crates/legacy/testdata/gcm_hex.json

Salts and nonces are counted up, so that the file can be made again byte for byte.
"""

import hashlib
import json

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

PASSPHRASE = "correct horse battery staple, grün"


def sealed(digest, salt_bytes, iv_bytes, value, rounds=100_000):
    salt = bytes(range(1, salt_bytes + 1))
    iv = bytes(range(101, iv_bytes + 101))
    key = hashlib.pbkdf2_hmac(digest, PASSPHRASE.encode(), salt, rounds, 32)
    out = AESGCM(key).encrypt(iv, value.encode(), None)
    data, tag = out[:-16], out[-16:]
    return ":".join(part.hex() for part in (salt, iv, tag, data))


def damaged(text, part):
    parts = text.split(":")
    first = int(parts[part][:2], 16) ^ 1
    parts[part] = f"{first:02x}" + parts[part][2:]
    return ":".join(parts)


VALUE = "sk_live_51ExampleForTheVault"
GOOD = sealed("sha512", 64, 16, VALUE)
CASES = [
    {"name": "node_default", "digest": "sha512", "sealed": GOOD, "value": VALUE},
    {"name": "iv_of_12", "digest": "sha512", "sealed": sealed("sha512", 16, 12, VALUE), "value": VALUE},
    {"name": "salt_of_8", "digest": "sha512", "sealed": sealed("sha512", 8, 16, VALUE), "value": VALUE},
    {"name": "sha256", "digest": "sha256", "sealed": sealed("sha256", 32, 16, VALUE), "value": VALUE},
    {"name": "upper_case", "digest": "sha512", "sealed": GOOD.upper(), "value": VALUE},
    {"name": "unicode", "digest": "sha512", "sealed": sealed("sha512", 16, 16, "grün 🔑\nzwei"), "value": "grün 🔑\nzwei"},
    {"name": "empty", "digest": "sha512", "sealed": sealed("sha512", 16, 16, ""), "value": ""},
    {"name": "long", "digest": "sha512", "sealed": sealed("sha512", 16, 16, "0123456789" * 500), "value": "0123456789" * 500},
    {"name": "salt_damaged", "sealed": damaged(GOOD, 0)},
    {"name": "iv_damaged", "sealed": damaged(GOOD, 1)},
    {"name": "tag_damaged", "sealed": damaged(GOOD, 2)},
    {"name": "data_damaged", "sealed": damaged(GOOD, 3)},
    {"name": "rounds_99999", "sealed": sealed("sha512", 16, 16, VALUE, rounds=99_999)},
    {"name": "sha1", "sealed": sealed("sha1", 16, 16, VALUE)},
]

print(json.dumps({"passphrase": PASSPHRASE, "cases": CASES}, ensure_ascii=False, indent=1))
