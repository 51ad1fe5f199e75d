#!/usr/bin/env python3
"""Verifies the frozen vectors of the access log's chain with an implementation of its own, written from
docs/access-log.md.

Uses nothing but Python's standard library. Records must hash to the bytes their vector names; intact logs must verify;
broken ones must break where and how their vector says.

    python3 tests/vectors/verify_chain.py [folder, default crates/auditchain/testdata/v1]

Prints `N passed, M failed`; exits with 0 only if there was at least one vector and none failed.
"""

import hashlib
import hmac
import ipaddress
import json
import struct
import sys
import uuid
from datetime import date
from pathlib import Path

START = bytes(32)


class Broken(Exception):
    """Holds the kind and the number."""


# A record: docs/access-log.md, section 2.


def body(line):
    fields = [
        line["id"] and uuid.UUID(line["id"]).bytes,
        line["secret_id"] and uuid.UUID(line["secret_id"]).bytes,
        struct.pack(">q", microseconds(line["accessed_at"])),
        text(line["session_user"]),
        text(line["action"]),
        text(line["outcome"]),
        text(line["sqlstate"]),
        line["tenant_id"] and uuid.UUID(line["tenant_id"]).bytes,
        text(line["secret_key"]),
        text(line["effective_role"]),
        text(line["claims_subject"]),
        text(line["claims_tenant"]),
        None if line["claims_trusted"] is None else bytes([line["claims_trusted"]]),
        text(line["application_name"]),
        address(line["client_addr"]),
        struct.pack(">i", line["backend_pid"]),
        None if line["xid"] is None else struct.pack(">Q", int(line["xid"])),
        text(line["correlation_id"]),
        text(line["access_reason"]),
        text(line["lane"]),
        text(line["platform_account"]),
        text(line["origin"]),
    ]
    return hashlib.sha256(b"tv1/body" + b"".join(map(field, fields))).digest()


def field(data):
    return b"\x00" if data is None else b"\x01" + struct.pack(">I", len(data)) + data


def text(value):
    if value is None:
        return None
    return bytes.fromhex(value["hex"]) if isinstance(value, dict) else value.encode()


def address(value):
    if value is None:
        return None
    interface = ipaddress.ip_interface(value)
    return bytes([interface.version, interface.network.prefixlen]) + interface.ip.packed


def microseconds(value):
    """Years of more than four digits are beyond datetime: a calendar repeats after 400 years, which are 146097 days."""
    year, rest = value.split("-", 1)
    cycles, year = divmod(int(year) - 2000, 400)
    days = date(2000 + year, int(rest[0:2]), int(rest[3:5])).toordinal() - date(1970, 1, 1).toordinal()
    hour, minute, second, fraction = int(rest[6:8]), int(rest[9:11]), int(rest[12:14]), int(rest[15:21])
    seconds = (((days + cycles * 146_097) * 24 + hour) * 60 + minute) * 60 + second
    return seconds * 1_000_000 + fraction


# Keys and links: docs/access-log.md, section 3.


def derived(root_key):
    """Fingerprint and chain key of a root key: HKDF-Expand of one block."""
    return mac(root_key, b"tv1/fing\x01")[:16], mac(root_key, b"tv1/chan\x01")


def mac(key, message):
    return hmac.digest(key, message, "sha256")


def link(key, seq, previous, content):
    if key is None:
        return hashlib.sha256(b"tv1/free" + struct.pack(">Q", seq) + previous + content).digest()
    return mac(key, b"tv1/link" + struct.pack(">Q", seq) + previous + content)


def checkpoint_mac(key, checkpoint):
    made_at = struct.pack(">q", microseconds(checkpoint["made_at"]))
    return mac(key, b"tv1/ckpt" + struct.pack(">Q", checkpoint["seq"]) + unhex(checkpoint["link"]) + made_at)


def stub_mac(key, stub):
    numbers = struct.pack(">QQ", stub["first_seq"], stub["last_seq"])
    pruned_at = struct.pack(">q", microseconds(stub["pruned_at"]))
    return mac(key, b"tv1/stub" + numbers + unhex(stub["link"]) + pruned_at)


# The verification: docs/access-log.md, section 5.


def verify(case, keys):
    rows = [
        (line["seq"], unhex(line["link"]), line["chain_key"] and unhex(line["chain_key"]), body(line))
        for line in case["lines"]
    ]
    after = case["after"]["seq"]
    last, previous, checkpoints = after, unhex(case["after"]["link"]), list(case["checkpoints"])
    unkeyed = met = 0
    for seq, found, name, content in rows:
        if len(found) != 32 or seq <= after or seq <= last or (name is not None and name not in keys and seq == last + 1):
            raise Broken("foreign", seq)
        if seq > last + 1:
            raise Broken(gap_kind(rows, last + 1), last + 1)
        if link(keys.get(name), seq, previous, content) != found:
            raise Broken(kind(rows, keys, seq, previous), seq)
        last, previous, unkeyed = seq, found, unkeyed + (name is None)
        while checkpoints and checkpoints[0]["seq"] <= seq:
            check(checkpoints.pop(0), keys, last, previous)
            met += 1
    for checkpoint in checkpoints:
        check(checkpoint, keys, last, previous)
    head = case["head"]
    if head["seq"] < last:
        raise Broken("foreign", last)
    compare(head, last, previous)
    return {"records": len(rows), "unkeyed": unkeyed, "checkpoints": met}


def check(checkpoint, keys, last, previous):
    if checkpoint_mac(keys[unhex(checkpoint["chain_key"])], checkpoint) != unhex(checkpoint["mac"]):
        raise Broken("foreign", checkpoint["seq"])
    compare(checkpoint, last, previous)


def compare(point, last, previous):
    if point["seq"] > last:
        raise Broken("truncated", last + 1)
    if unhex(point["link"]) != previous:
        raise Broken("rewritten", point["seq"])


def gap_kind(rows, seq):
    return "reordered" if any(row[0] == seq for row in rows) else "missing"


def kind(rows, keys, seq, previous):
    """All at once in memory: which number does each record fit, with any link that is there before it?"""
    here = [row for row in rows if row[0] == seq]
    if len(here) > 1:
        return "foreign"
    stands, later = here[0], [row for row in rows if row[0] > seq]
    links = {row[1] for row in rows}

    def fits(row, number, before):
        return any(link(key, number, before, row[3]) in links for key in [None, *keys.values()])

    owner = next((row for row in later if fits(row, seq, previous)), None)
    befores = [previous, *links]
    if owner:
        elsewhere = any(fits(stands, row[0], before) for row in later for before in befores)
        in_place = any(
            link(keys.get(row[2]), row[0], before[1], row[3]) == row[1]
            for before, row in zip(rows, rows[1:])
            if row[0] > seq
        )
        return "reordered" if elsewhere or in_place else "foreign"
    closed_up = later and any(
        link(keys.get(later[0][2]), later[0][0] + by, stands[1], later[0][3]) == later[0][1] for by in range(1, 100)
    )
    return "missing" if closed_up else "changed"


# The vectors.


def check_vector(case):
    if case["kind"] == "record":
        expect("body", body(case["columns"]), unhex(case["body"]))
        return
    keys = {}
    for key in case["keys"]:
        fingerprint, chain_key = derived(unhex(key["root_key"]))
        expect("fingerprint", fingerprint, unhex(key["fingerprint"]))
        expect("chain_key", chain_key, unhex(key["chain_key"]))
        keys[fingerprint] = chain_key
    if case["kind"] == "stub":
        stub = case["columns"]
        expect("mac", stub_mac(keys[unhex(stub["chain_key"])], stub), unhex(stub["mac"]))
        return
    try:
        result = {"intact": verify(case, keys)}
    except Broken as broken:
        result = {"broken": {"kind": broken.args[0], "at": broken.args[1]}}
    expect("result", result, case["result"])


def expect(what, found, expected):
    if found != expected:
        raise ValueError(f"{what} is {found}, the vector says {expected}")


def check_file(path):
    """Returns what is wrong with the vector, or None."""
    case = json.loads(path.read_text(encoding="utf-8"))
    if case["name"] != path.stem:
        return f"is named {case['name']} inside"
    try:
        check_vector(case)
    except (KeyError, ValueError) as error:
        return f"{type(error).__name__}: {error}"
    return None


def main():
    repository = Path(__file__).resolve().parents[2]
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else repository / "crates/auditchain/testdata/v1"
    paths = sorted(folder.glob("*.json"))
    failures = [(path, reason) for path in paths if (reason := check_file(path))]
    for path, reason in failures:
        print(f"{path.name}: {reason}")
    print(f"{len(paths) - len(failures)} passed, {len(failures)} failed")
    return 0 if paths and not failures else 1


def unhex(text):
    return bytes.fromhex(text)


if __name__ == "__main__":
    sys.exit(main())
