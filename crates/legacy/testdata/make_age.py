#!/usr/bin/env python3
"""Makes testdata/age.json: files of age, version 1, by an implementation that is not ours (cryptography's X25519, ChaCha20-Poly1305,
HKDF and scrypt), good ones and ones with one fault each. What is random is counted up.

    python3 crates/legacy/testdata/make_age.py > crates/legacy/testdata/age.json
"""

import base64
import hmac
import json

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

LETTERS = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
CHUNK = 64 * 1024


def bech32(prefix, data):
    bits = "".join(f"{byte:08b}" for byte in data)
    bits += "0" * (-len(bits) % 5)
    values = [int(bits[at : at + 5], 2) for at in range(0, len(bits), 5)]

    def polymod(all_values):
        total = 1
        for value in all_values:
            top = total >> 25
            total = (total & 0x1FFFFFF) << 5 ^ value
            for bit, generator in enumerate([0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3]):
                total ^= generator if top >> bit & 1 else 0
        return total

    expanded = [ord(c) >> 5 for c in prefix] + [0] + [ord(c) & 31 for c in prefix]
    check = polymod(expanded + values + [0] * 6) ^ 1
    values += [check >> 5 * (5 - at) & 31 for at in range(6)]
    return prefix + "1" + "".join(LETTERS[value] for value in values)


def b64(data):
    return base64.b64encode(data).decode().rstrip("=")


def hkdf(secret, salt, info):
    return HKDF(hashes.SHA256(), 32, salt, info).derive(secret)


def raw(public):
    return public.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)


FILE_KEY = bytes(range(16))
IDENTITY = X25519PrivateKey.from_private_bytes(bytes(range(32, 64)))
RECIPIENT = raw(IDENTITY.public_key())
PASSPHRASE = "correct horse, grün"
SECRET_KEY = bech32("age-secret-key-", bytes(range(32, 64))).upper()
OTHER_KEY = bech32("age-secret-key-", bytes(range(64, 96))).upper()
PUBLIC_KEY = bech32("age", RECIPIENT)


def x25519(file_key=FILE_KEY, share=None):
    ephemeral = X25519PrivateKey.from_private_bytes(bytes(range(100, 132)))
    share = share or raw(ephemeral.public_key())
    shared = ephemeral.exchange(X25519PublicKey.from_public_bytes(RECIPIENT))
    key = hkdf(shared, share + RECIPIENT, b"age-encryption.org/v1/X25519")
    body = ChaCha20Poly1305(key).encrypt(bytes(12), file_key, None)
    return f"-> X25519 {b64(share)}\n{b64(body)}\n"


def scrypt(log_n=10, shown=None, salt=bytes(range(16))):
    key = Scrypt(salt=b"age-encryption.org/v1/scrypt" + salt, length=32, n=2**log_n, r=8, p=1).derive(PASSPHRASE.encode())
    body = ChaCha20Poly1305(key).encrypt(bytes(12), FILE_KEY, None)
    return f"-> scrypt {b64(salt)} {shown or log_n}\n{b64(body)}\n"


def payload(value, finals=None, file_key=FILE_KEY):
    nonce = bytes(range(200, 216))
    cipher = ChaCha20Poly1305(hkdf(file_key, nonce, b"payload"))
    chunks = [value[at : at + CHUNK] for at in range(0, len(value), CHUNK)] or [b""]
    finals = finals or [False] * (len(chunks) - 1) + [True]
    chunks += [b""] * (len(finals) - len(chunks))
    out = nonce
    for counter, (chunk, final) in enumerate(zip(chunks, finals)):
        out += cipher.encrypt(counter.to_bytes(11, "big") + bytes([final]), chunk, None)
    return out


def file(stanzas, body, mac_of=None, version="age-encryption.org/v1"):
    header = f"{version}\n{stanzas}---".encode()
    key = hkdf(FILE_KEY, b"", b"header")
    mac = hmac.new(key, mac_of or header, "sha256").digest()
    return header + b" " + b64(mac).encode() + b"\n" + body


def armored(data):
    text = base64.b64encode(data).decode()
    lines = [text[at : at + 64] for at in range(0, len(text), 64)]
    return "\n".join(["-----BEGIN AGE ENCRYPTED FILE-----", *lines, "-----END AGE ENCRYPTED FILE-----"]) + "\n"


VALUE = "{\"a\": \"sk_live_in_a_bundle\"}\n"
GOOD = file(x25519(), payload(VALUE.encode()))
GREASE = "-> grease-a 1 2\n\n-> b\n" + "QUFB" * 16 + "\nQUFB\n"
CASES = []


def case(name, data, value=None, key=SECRET_KEY, passphrase=None):
    text = data if isinstance(data, str) else armored(data)
    CASES.append({"name": name, "file": text, "identity": key, "passphrase": passphrase, "value": value})


case("x25519", GOOD, VALUE)
case("scrypt", file(scrypt(), payload(VALUE.encode())), VALUE, None, PASSPHRASE)
case("grease", file(GREASE + x25519(), payload(VALUE.encode())), VALUE)
case("second_recipient", file(x25519(FILE_KEY[::-1], bytes(range(1, 33))) + x25519(), payload(VALUE.encode())), VALUE)
case("empty", file(x25519(), payload(b"")), "")
case("chunk_full", file(x25519(), payload(b"0" * CHUNK)), "0" * CHUNK)
case("two_chunks", file(x25519(), payload(b"1" * (CHUNK + 1))), "1" * (CHUNK + 1))
case("crlf", armored(GOOD).replace("\n", "\r\n"), VALUE)
case("other_identity", GOOD, key=OTHER_KEY)
case("other_passphrase", file(scrypt(), payload(VALUE.encode())), None, None, "another")
case("version_2", file(x25519(), payload(VALUE.encode()), version="age-encryption.org/v2"))
case("mac_of_another_header", file(x25519(), payload(VALUE.encode()), mac_of=b"x"))
case("long_file_key", file(x25519(FILE_KEY + b"0"), payload(VALUE.encode())))
case("low_order_share", file(x25519(share=bytes(32)), payload(VALUE.encode())))
case("share_cut", file(x25519(share=bytes(range(31))), payload(VALUE.encode())))
case("scrypt_and_x25519", file(scrypt() + x25519(), payload(VALUE.encode())), None, None, PASSPHRASE)
case("scrypt_work_19", file(scrypt(10, "19"), payload(VALUE.encode())), None, None, PASSPHRASE)
case("scrypt_work_010", file(scrypt(10, "010"), payload(VALUE.encode())), None, None, PASSPHRASE)
case("scrypt_salt_long", file(scrypt(salt=bytes(17)), payload(VALUE.encode())), None, None, PASSPHRASE)
case("no_stanza", file("", payload(VALUE.encode())))
case("no_final_chunk", file(x25519(), payload(VALUE.encode(), [False])))
case("last_chunk_empty", file(x25519(), payload(b"2" * CHUNK, [False, True])))
case("two_final_chunks", file(x25519(), payload(VALUE.encode(), [True, True])))
case("cut", GOOD[:-1])
case("longer", GOOD + b"0")
case("no_nonce", file(x25519(), b""))
case("armor_no_end", armored(GOOD).rsplit("-----END", 1)[0])
case("armor_long_line", armored(GOOD).replace("\n", "", 2).replace("FILE-----", "FILE-----\n", 1))
case("armor_garbage", armored(GOOD) + "x")

print(json.dumps({"public_key": PUBLIC_KEY, "secret_key": SECRET_KEY, "value": VALUE, "cases": CASES}, ensure_ascii=False, indent=1))
