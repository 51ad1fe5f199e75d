#!/usr/bin/env python3
"""Opens the frozen envelope vectors with an implementation of its own, written from docs/envelope.md.

Uses nothing but Python and the package `cryptography` (requirements.txt). Good vectors must open to the bytes they name,
and sealing, wrapping and rewrapping must give those bytes back; bad ones must fail in the way they name.

    python3 tests/vectors/open_vectors.py [folder, default crates/envelope/testdata/v1]

Prints `N passed, M failed`; exits with 0 only if there was at least one vector and none failed.
"""

import json
import struct
import sys
from hmac import compare_digest
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

FORMAT, SUITE = 1, 1
TAG_BYTES = 16
SECRET_MAX_BYTES = 1_048_576
PAYLOAD_NONCE = bytes(12)


class Refusal(Exception):
    """The envelope was not opened; holds the name of the reason as the vectors spell it."""


# Envelopes: docs/envelope.md, sections 3 to 6.


def seal(kek, generation, binding, dek, secret):
    commitment = commit(dek, binding)
    ciphertext = AESGCM(payload_key(dek, binding)).encrypt(PAYLOAD_NONCE, secret, payload_aad(binding))
    return wrap_dek(kek, generation, binding, dek, commitment), ciphertext


def open_envelope(kek, generation, binding, wrapped_dek, ciphertext):
    commitment, wrapped, needed = parse_wrapped_dek(wrapped_dek)
    if not TAG_BYTES <= len(ciphertext) <= SECRET_MAX_BYTES + TAG_BYTES:
        raise Refusal("malformed")
    dek = unwrap_dek(kek, generation, binding, commitment, wrapped, needed)
    return gcm_open(payload_key(dek, binding), PAYLOAD_NONCE, ciphertext, payload_aad(binding))


def rewrap(old_kek, old_generation, new_kek, new_generation, binding, wrapped_dek):
    commitment, wrapped, needed = parse_wrapped_dek(wrapped_dek)
    dek = unwrap_dek(old_kek, old_generation, binding, commitment, wrapped, needed)
    return wrap_dek(new_kek, new_generation, binding, dek, commitment)


def parse_wrapped_dek(wrapped_dek):
    if len(wrapped_dek) != 82:
        raise Refusal("malformed")
    check_format_and_suite(wrapped_dek)
    (generation,) = struct.unpack(">I", wrapped_dek[2:6])
    return wrapped_dek[6:34], wrapped_dek[34:82], generation


def wrap_dek(kek, generation, binding, dek, commitment):
    header = bytes([FORMAT, SUITE]) + struct.pack(">I", generation)
    wrapped = AESGCM(expand(kek, b"tv1/wrap", 32)).encrypt(commitment[:12], dek, header + encode(b"tv1/wrap", binding))
    return header + commitment + wrapped


def unwrap_dek(kek, generation, binding, commitment, wrapped, needed):
    if needed != generation:
        raise Refusal("other_generation")
    aad = bytes([FORMAT, SUITE]) + struct.pack(">I", generation) + encode(b"tv1/wrap", binding)
    dek = gcm_open(expand(kek, b"tv1/wrap", 32), commitment[:12], wrapped, aad)
    if not compare_digest(commit(dek, binding), commitment):
        raise Refusal("refused")
    return dek


def commit(dek, binding):
    return expand(dek, encode(b"tv1/cmit", binding), 28)


def payload_key(dek, binding):
    return expand(dek, encode(b"tv1/seal", binding), 32)


def payload_aad(binding):
    return bytes([FORMAT, SUITE]) + encode(b"tv1/seal", binding)


def encode(label, binding):
    tenant, credential, version = binding
    return label + tenant + credential + struct.pack(">I", version)


# Tenant keys: docs/envelope.md, section 7.


def wrap_kek(root, tenant, generation, kek, nonce):
    ciphertext = AESGCM(expand(root, b"tv1/root", 32)).encrypt(nonce, kek, kek_aad(root, tenant, generation))
    return bytes([FORMAT, SUITE]) + nonce + ciphertext


def unwrap_kek(root, tenant, generation, wrapped_kek):
    if len(wrapped_kek) != 62:
        raise Refusal("malformed")
    check_format_and_suite(wrapped_kek)
    return gcm_open(
        expand(root, b"tv1/root", 32), wrapped_kek[2:14], wrapped_kek[14:], kek_aad(root, tenant, generation)
    )


def kek_aad(root, tenant, generation):
    return bytes([FORMAT, SUITE]) + b"tv1/kek_" + tenant + struct.pack(">I", generation) + fingerprint(root)


def fingerprint(root):
    return expand(root, b"tv1/fing", 16)


# The two primitives.


def expand(key, info, length):
    return HKDFExpand(algorithm=SHA256(), length=length, info=info).derive(key)


def gcm_open(key, nonce, ciphertext, aad):
    try:
        return AESGCM(key).decrypt(nonce, ciphertext, aad)
    except InvalidTag:
        raise Refusal("refused") from None


def check_format_and_suite(data):
    if data[0] != FORMAT:
        raise Refusal("unknown_format")
    if data[1] != SUITE:
        raise Refusal("unknown_suite")


# The vectors.


def check_envelope(case):
    kek, generation = unhex(case["kek"]), case["kek_generation"]
    binding = (unhex(case["tenant"]), unhex(case["credential"]), case["version"])
    wrapped_dek, ciphertext = unhex(case["wrapped_dek"]), unhex(case["ciphertext"])
    secret = open_envelope(kek, generation, binding, wrapped_dek, ciphertext)
    if case["result"] != "opens":
        return

    opened = {name: unhex(value) for name, value in case["opened"].items()}
    dek = opened["dek"]
    expect("secret", secret, opened["secret"])
    expect("wrap_key", expand(kek, b"tv1/wrap", 32), opened["wrap_key"])
    expect("commitment", commit(dek, binding), opened["commitment"])
    expect("payload_key", payload_key(dek, binding), opened["payload_key"])
    expect("seal", seal(kek, generation, binding, dek, secret), (wrapped_dek, ciphertext))
    if old := case.get("rewrapped_from"):
        old_kek, old_generation, old_wrapped = unhex(old["kek"]), old["kek_generation"], unhex(old["wrapped_dek"])
        expect("before", open_envelope(old_kek, old_generation, binding, old_wrapped, ciphertext), secret)
        expect("rewrap", rewrap(old_kek, old_generation, kek, generation, binding, old_wrapped), wrapped_dek)


def check_wrapped_kek(case):
    root, tenant, generation = unhex(case["root_key"]), unhex(case["tenant"]), case["kek_generation"]
    wrapped_kek = unhex(case["wrapped_kek"])
    expect("fingerprint", fingerprint(root), unhex(case["fingerprint"]))
    kek = unwrap_kek(root, tenant, generation, wrapped_kek)
    if case["result"] != "opens":
        return

    unwrapped = {name: unhex(value) for name, value in case["unwrapped"].items()}
    expect("kek", kek, unwrapped["kek"])
    expect("wrap_key", expand(root, b"tv1/root", 32), unwrapped["wrap_key"])
    expect("wrap", wrap_kek(root, tenant, generation, kek, unwrapped["nonce"]), wrapped_kek)


def expect(what, found, expected):
    if found != expected:
        raise ValueError(f"{what} differs from the vector")


def check(path):
    """Returns what is wrong with the vector, or None."""
    case = json.loads(path.read_text(encoding="utf-8"))
    if case["name"] != path.stem:
        return f"is named {case['name']} inside"
    try:
        {"envelope": check_envelope, "wrapped_kek": check_wrapped_kek}[case["kind"]](case)
        result = "opens"
    except Refusal as refusal:
        result = str(refusal)
    except (KeyError, ValueError) as error:
        return f"{type(error).__name__}: {error}"
    return None if result == case["result"] else f"expected {case['result']}, found {result}"


def main():
    repository = Path(__file__).resolve().parents[2]
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else repository / "crates/envelope/testdata/v1"
    paths = sorted(folder.glob("*.json"))
    failures = [(path, reason) for path in paths if (reason := check(path))]
    for path, reason in failures:
        print(f"{path.name}: {reason}")
    print(f"{len(paths) - len(failures)} passed, {len(failures)} failed")
    return 0 if paths and not failures else 1


def unhex(text):
    return bytes.fromhex(text)


if __name__ == "__main__":
    sys.exit(main())
