"""Writes results.json, and what criterion left, as Markdown.

report.py RESULTS [CRITERION]
"""

import json
import statistics
import sys
from pathlib import Path

NAMES = {
    "select": "plain SELECT by primary key",
    "select_insert": "BEGIN; SELECT; INSERT of a log row; COMMIT",
    "select_insert_one": "SELECT and INSERT of a log row in one statement",
    "audited_select": "the same in a plpgsql function (DEFINER, SET)",
    "retrieve": "**`retrieve_credential`**",
    "retrieve_one": "**`retrieve_credential`**, the same id each time",
    "retrieve_spi": "`retrieve_credential`, `storage_adapter = spi`",
    "tenant_get": "**`decrypt_tenant_secret`**",
    "select_many": "plain SELECT of 20, each",
    "retrieve_many": "**`retrieve_credentials`** of 20, each",
    "bulk": "**`retrieve_credentials`** of 1000, each",
    "insert": "plain INSERT",
    "update": "plain UPDATE by primary key",
    "audited_insert": "INSERT and log row in a plpgsql function (DEFINER, SET)",
    "unaudited_insert": "INSERT in a plpgsql function, no log",
    "store": "**`store_credential`**",
    "rotate": "**`rotate_credential`**",
    "pgp_sym": "pgcrypto `pgp_sym_decrypt`, no log",
    "pgcrypto_raw": "pgcrypto `decrypt_iv` (not authenticated), no log",
}
READS = ["select", "select_insert", "select_insert_one", "audited_select", "retrieve", "retrieve_spi", "tenant_get"]
MANY = ["select_many", "retrieve_many"]
WRITES = ["insert", "update", "audited_insert", "store", "rotate"]
STATEMENTS = ["select", "audited_select", "retrieve", "retrieve_one", "retrieve_spi", "tenant_get", "bulk", "unaudited_insert",
              "audited_insert", "store", "rotate", "pgcrypto_raw", "pgp_sym"]

GUARDED = {"bare": "without indexes", "key": "with a primary key", "indexes": "with a primary key and two indexes"}


class Results:
    def __init__(self, path):
        for key, value in json.loads(Path(path).read_text()).items():
            setattr(self, key, value)
        self.rates = {}
        for turn in self.pgbench:
            self.rates.setdefault((turn["case"], turn["clients"], turn["sync"]), []).append(turn["rate"])

    def rate(self, case, clients, sync):
        return statistics.median(self.rates[case, clients, sync])

    def ratio(self, case, base, clients, sync):
        """Median of the ratios within each round."""
        pairs = zip(self.rates[case, clients, sync], self.rates[base, clients, sync], strict=True)
        return statistics.median(mine / theirs for mine, theirs in pairs)


def table(head, rows):
    yield "| " + " | ".join(head) + " |"
    yield "| --- |" + " ---: |" * (len(head) - 1)
    for row in rows:
        yield "| " + " | ".join(row) + " |"
    yield ""


def throughput(results, cases, base):
    columns = [(clients, sync) for sync in ("off", "on") for clients in (1, 8)]
    head = ["executions a second (ratio)"]
    head += [f"{clients} client{'s' * (clients > 1)}, `{sync}`" for clients, sync in columns]
    rows = []
    for case in cases:
        cells = []
        for column in columns:
            cells.append(f"{results.rate(case, *column):,.0f} ({results.ratio(case, base, *column):.2f})")
        rows.append([NAMES[case], *cells])
    return table(head, rows)


def aims(results):
    statement, sizes = results.statement, results.sizes
    yield "retrieve, processor time per call in one statement", "<= 5 us", statement["retrieve"], "us", -5
    yield "the same, one id again and again", "<= 5 us", statement["retrieve_one"], "us", -5
    yield "retrieve, 8 clients, `off`, against plain SELECT", ">= 0.60", results.ratio("retrieve", "select", 8, "off"), "", 0.6
    for clients in (1, 8):
        for base, words in (("select_insert", "BEGIN; SELECT; INSERT; COMMIT"), ("select_insert_one", "the same in one statement")):
            ratio = results.ratio("retrieve", base, clients, "on")
            yield f"retrieve, {clients} client{'s' * (clients > 1)}, `on`, against {words}", ">= 1.15", ratio, "", 1.15
    yield "store, 8 clients, `off`, against the logged INSERT", ">= 0.70", results.ratio("store", "audited_insert", 8, "off"), "", 0.7
    yield "store, 8 clients, `off`, against plain INSERT", "none", results.ratio("store", "insert", 8, "off"), "", None
    yield "bytes on disk per credential of 40 bytes", "<= 300", sizes["one_tenant_secrets"], "B", -300
    if hasattr(results, "rotation"):
        rewrap_us = results.rotation["rewrap_s"] * 1e6 / results.rotation["rows"]
        yield f"values rewrapped to a new tenant key, {results.rotation['rows']:,} secrets, each", "<= 10 us", rewrap_us, "us", -10
        yield f"root key rotated, {results.rotation['tenants']:,} tenants", "<= 1 s", results.rotation["root_key_s"], "s", -1
    yield "bulk open, every row logged, per row over the scan", "none", statement["bulk"], "us", None
    if hasattr(results, "guard"):
        yield "the guard on a row of six short texts, processor time", "<= 5 us", results.guard["row_us"], "us", -5
        for kind, words in GUARDED.items():
            ratio = results.guard["copy"][kind]["ratio"]
            yield f"COPY of {results.guard['rows']:,} rows into a guarded table {words}, against one without", "<= 1.15", ratio, "", -1.15


def rotation(found):
    yield f"### Rotation of keys, {found['tenants']:,} tenants and {found['rows']:,} secrets of 40 bytes: `make bench`"
    yield ""
    rows = [
        ("**`CALL rotate_root_key()`**: every tenant key wrapped anew", "root_key_s", found["tenants"], "tenant key"),
        ("**`CALL rewrap_credentials()`**: every DEK wrapped anew", "rewrap_s", found["rows"], "secret"),
        ("pgcrypto, every secret by `decrypt_iv` and `encrypt_iv` in one UPDATE (not authenticated)", "pgcrypto_raw_s",
         found["rows"], "secret"),
        (f"pgcrypto, `pgp_sym_decrypt` and `pgp_sym_encrypt`; from {found.get('pgp_sym_sample', 0):,} of them", "pgp_sym_s",
         found["rows"], "secret"),
    ]
    yield from table(["what a change of key costs", "seconds", "µs each"], [
        [what, f"{found[key]:,.2f}", f"{found[key] * 1e6 / count:,.1f} a {each}"]
        for what, key, count, each in rows if key in found
    ])


def access_log(found):
    yield "### The access log as it grows: `make bench`"
    yield ""
    yield from table(["records there are", "µs a record, read and recorded in bulk"], [
        [f"{size['rows']:,}", f"{size['each_us']:.1f}"] for size in found["sizes"]
    ])
    yield (f"`verify_access_log()` over {found['verified']:,} records: {found['verify_s']:.1f} s,"
           f" {found['verify_s'] * 1e6 / found['verified']:.1f} µs each.")
    yield ""


def guard(found):
    yield f"### COPY of {found['rows']:,} rows of six short texts: `make bench`"
    yield ""
    yield from table(["table", "ms", "guarded, ms", "ratio"], [
        [words, f"{copy['plain_s'] * 1000:.0f}", f"{copy['guarded_s'] * 1000:.0f}", f"{copy['ratio']:.2f}"]
        for words, copy in ((words, found["copy"][kind]) for kind, words in GUARDED.items())
    ])


def report(results, criterion):
    machine, options = results.machine, results.options
    yield (
        f"{machine['cores']} cores ({machine['processor']}), {machine['memory_gib']} GiB, Linux {machine['kernel']},"
        f" PostgreSQL {machine['postgresql']}. {options['rows']:,} secrets of 40 bytes; {options['rounds']}"
        f" round{'s' * (options['rounds'] > 1)} of {options['period_s']} s a case; load average before the start"
        f" {machine['load_before']:.1f}; {machine['minutes']:.0f} minutes."
    )
    yield ""
    yield "### Aims"
    yield ""
    rows = []
    for what, aim, value, unit, limit in aims(results):
        reached = "" if limit is None else ("yes" if (value <= -limit if limit < 0 else value >= limit) else "**no**")
        rows.append([what, aim.replace("<=", "≤").replace(">=", "≥").replace("us", "µs"),
                     f"{value:.2f}" if not unit else f"{value:.1f} {unit}".replace("us", "µs").replace("B", "bytes"), reached])
    yield from table(["what", "aim", "measured", "reached"], rows)
    yield "### Throughput: `make bench`, pgbench -M prepared"
    yield ""
    yield "Columns: clients, `synchronous_commit`. Ratios: against the first line of each table, within a round."
    yield ""
    yield from throughput(results, READS, "select")
    yield from throughput(results, MANY, "select_many")
    yield from throughput(results, WRITES, "insert")
    yield "### Processor time per call, one statement over all rows: `make bench`"
    yield ""
    base = results.statement["select"]
    rows = [
        [NAMES[case], f"{results.statement[case]:.1f}", f"{results.statement[case] / base:.1f}"]
        for case in STATEMENTS if case in results.statement
    ]
    yield from table(["", "µs per row over the scan", "against plain SELECT"], rows)
    yield "### Bytes: `make bench`"
    yield ""
    sizes = results.sizes
    yield from table(["on disk, indexes included", "bytes"], [
        ["plain table of the same columns, per row", f"{sizes['plain']:.0f}"],
        ["credential, name of 12 characters, per row", f"{sizes['one_tenant_secrets']:.0f} (heap {sizes['one_tenant_heap']:.0f})"],
        [f"tenant secret, {options['tenants']:,} tenants in random order, key of 12 characters, per row",
         f"{sizes['many_tenants_secrets']:.0f} (heap {sizes['many_tenants_heap']:.0f})"],
        ["tenant: directory entry and wrapped key, per tenant", f"{sizes['many_tenants_tenants']:.0f}"],
        ["access log, per row", f"{sizes['log_row']:.0f}"],
    ])
    rows = [[NAMES[case], f"{results.wal[case]:.0f}", f"{results.xids[case]:.0f}"] for case in results.wal]
    yield from table(["per execution, one transaction each", "bytes of WAL", "transaction ids per 1000"], rows)
    if hasattr(results, "rotation"):
        yield from rotation(results.rotation)
    if hasattr(results, "access_log"):
        yield from access_log(results.access_log)
    if hasattr(results, "guard"):
        yield from guard(results.guard)
    if criterion:
        yield "### The envelope alone: `cargo bench -p envelope`"
        yield ""
        rows = []
        for path in sorted(Path(criterion).glob("*/*/new/estimates.json")):
            nanoseconds = json.loads(path.read_text())["median"]["point_estimate"]
            rows.append([f"{path.parts[-4]}: {path.parts[-3]}".replace("_", " "), f"{nanoseconds:,.0f}"])
        yield from table(["", "ns, median"], rows)


if __name__ == "__main__":
    print("\n".join(report(Results(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else None)).rstrip())
