"""Runs the cases in turn against the server that the environment names; writes every figure as JSON.

    measure.py RESULTS      environment: PG*, ROUNDS, PERIOD, ROWS, ROTATION_ROWS, LOG_ROWS, GUARD_ROWS, ONLY (see bench/run)

Cases run A B C ... A B C ..., so that whatever else the machine does meets all of them alike, and ratios are formed
within a round. A client fetches the ids of a whole batch at once and then makes one call each: of its statements
1 in 101 is not what is measured, in the vault's cases and in the plain ones alike.
"""

import json
import os
import platform
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).parent
ROUNDS = int(os.environ["ROUNDS"])
PERIOD = int(os.environ["PERIOD"])
ROWS = int(os.environ["ROWS"])
ROTATION_ROWS = int(os.environ["ROTATION_ROWS"])
LOG_ROWS = int(os.environ["LOG_ROWS"])
GUARD_ROWS = int(os.environ["GUARD_ROWS"])
TENANTS = 1000
BATCH = 100
MANY = 20
ROLES = ("bench_app", "bench_spi")

NAME_AND_SECRET = {"name": "name12345678", "secret": "0123456789012345678901234567890123456789"}
# {id} stands for the id of one call, {ids} for an array of MANY, {tenant} for a tenant's id.
CASES = {
    "select": "SELECT secret FROM bench.plain WHERE id = {id};",
    "insert": "INSERT INTO bench.plain (name, secret) VALUES (:name, :secret) RETURNING id;",
    "update": "UPDATE bench.plain SET secret = :secret, version = version + 1 WHERE id = {id};",
    "select_insert": "BEGIN;\nSELECT secret FROM bench.plain WHERE id = {id};\n"
    "INSERT INTO bench.log (secret_id, action) VALUES ({id}, 'retrieve');\nCOMMIT;",
    "select_insert_one": "WITH record AS (INSERT INTO bench.log (secret_id, action) VALUES ({id}, 'retrieve'))\n"
    "SELECT secret FROM bench.plain WHERE id = {id};",
    "audited_select": "SELECT bench.audited_select({id});",
    "audited_insert": "SELECT bench.audited_insert(:name, :secret);",
    "retrieve": "SELECT vault.retrieve_credential({id});",
    "retrieve_spi": "SELECT vault.retrieve_credential({id});",
    "store": "SELECT vault.store_credential(:name, :secret);",
    "rotate": "SELECT vault.rotate_credential({id}, :secret);",
    "tenant_get": "SELECT vault.decrypt_tenant_secret({tenant}, 'payments/key');",
    "select_many": "SELECT id, secret FROM bench.plain WHERE id = ANY ({ids});",
    "retrieve_many": "SELECT * FROM vault.retrieve_credentials({ids});",
}
PER_CALL = {"select_many": MANY, "retrieve_many": MANY}
CONFIGURATIONS = [(clients, sync) for sync in ("off", "on") for clients in (1, 8)]


def script(case):
    """One pgbench script: a batch of ids by one statement, then a call for each."""
    statement = CASES[case]
    if "{ids}" in statement:
        calls, table = BATCH // MANY, "batch"
        columns = [f"ids[{i * MANY + 1}:{(i + 1) * MANY}]::text AS v{i}" for i in range(calls)]
    else:
        calls, table = BATCH, "tenant_batch" if "{tenant}" in statement else "batch"
        columns = [f"ids[{i + 1}] AS v{i}" for i in range(calls)]
    lines = []
    if "{" in statement:
        lines.append(f"\\set n random(1, {ROWS // BATCH})")
        lines.append(f"SELECT {', '.join(columns)} FROM bench.{table} WHERE n = :n \\gset")
    for i in range(calls):
        lines.append(statement.format(id=f":v{i}", ids=f":v{i}", tenant=f":v{i}"))
    return "\n".join(lines) + "\n", calls * PER_CALL.get(case, 1)


def role(case):
    return "bench_spi" if case.endswith("_spi") else "bench_app"


def client_environment(sync):
    return {**os.environ, "PGOPTIONS": f"-c synchronous_commit={sync}"}


def pgbench(folder, case, clients, sync, *length):
    """Executions of the case per second."""
    text, calls = script(case)
    path = folder / f"{case}.sql"
    path.write_text(text)
    command = ["pgbench", "-n", "-M", "prepared", "-c", str(clients), "-j", str(min(clients, 2)), "-U", role(case)]
    for name, value in NAME_AND_SECRET.items():
        command += ["-D", f"{name}={value}"]
    run = subprocess.run(
        [*command, "-f", str(path), *length], env=client_environment(sync), capture_output=True, text=True, check=False
    )
    found = re.search(r"tps = ([\d.]+)", run.stdout)
    if run.returncode or not found:
        sys.exit(f"pgbench failed at {case}:\n{run.stdout}{run.stderr}")
    return float(found[1]) * calls


def psql(sql, *options, user="postgres", database="postgres", sync="off"):
    """The output of a script, unaligned."""
    run = subprocess.run(
        ["psql", "-X", "-q", "-At", "-v", "ON_ERROR_STOP=1", "-U", user, "-d", database, *options],
        input=sql, env=client_environment(sync), capture_output=True, text=True, check=False,
    )
    if run.returncode:
        sys.exit(f"psql failed: {run.stderr}")
    return run.stdout.strip()


def number(sql, **place):
    return float(psql(sql, **place))


def microseconds(sql, rows, user="bench_app", database="postgres"):
    """Processor time of the backend for one statement, per row: what other processes take is not in it."""
    run = subprocess.run(
        ["psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-U", user, "-d", database, "-c", "SET client_min_messages = log", "-c", sql],
        env=client_environment("off"), capture_output=True, text=True, check=False,
    )
    used = re.findall(r"([\d.]+) s user, ([\d.]+) s system, [\d.]+ s elapsed", run.stderr)
    if run.returncode or not used:
        sys.exit(f"psql failed: {run.stderr}")
    return sum(map(float, used[-1])) * 1e6 / rows


def in_one_statement(has_pgcrypto):
    """Case -> microseconds a row over the scan that feeds it; medians of interleaved rounds."""
    scan_ids = "SELECT count(id) FROM bench.ids"
    scan_source = "SELECT count(name || secret) FROM bench.source"
    over_ids = "SELECT count({}) FROM bench.ids"
    over_source = "SELECT count({}) FROM bench.source"
    few = ROWS // 10
    cases = {
        "scan_ids": (scan_ids, ROWS, None),
        "scan_source": (scan_source, ROWS, None),
        "select": (over_ids.format("(SELECT secret FROM bench.plain AS p WHERE p.id = ids.id)"), ROWS, "scan_ids"),
        "audited_select": (over_ids.format("bench.audited_select(id)"), ROWS, "scan_ids"),
        "retrieve": (over_ids.format("vault.retrieve_credential(id)"), ROWS, "scan_ids"),
        # One id again and again: what the call costs by itself, without the cache misses of a random look-up.
        "retrieve_one": (
            over_ids.format("vault.retrieve_credential((SELECT id FROM bench.ids LIMIT 1))"), ROWS, "scan_ids",
        ),
        "retrieve_spi": (over_ids.format("vault.retrieve_credential(id)"), ROWS, "scan_ids"),
        "bulk": (
            "SELECT count(found.secret) FROM bench.thousand, vault.retrieve_credentials(ids) AS found",
            ROWS, "scan_ids",
        ),
        "unaudited_insert": (over_source.format("bench.unaudited_insert(name, secret)"), ROWS, "scan_source"),
        "audited_insert": (over_source.format("bench.audited_insert(name, secret)"), ROWS, "scan_source"),
        "store": (over_source.format("vault.store_credential(name, secret)"), ROWS, "scan_source"),
        "rotate": (
            f"SELECT count(vault.rotate_credential(id, 'rotated')::text) FROM bench.ids WHERE n <= {few}",
            few, "scan_ids",
        ),
        "tenant_get": (
            "SELECT count(vault.decrypt_tenant_secret(tenant, 'payments/key')) FROM bench.tenants,"
            f" generate_series(1, {ROWS // TENANTS})",
            ROWS, "scan_ids",
        ),
    }
    if has_pgcrypto:
        sample = ROWS // 100
        cases["pgp_sym"] = (
            f"SELECT count(pgp_sym_decrypt(pgp, 'password')) FROM bench.crypted WHERE n <= {sample}", sample, "scan_ids",
        )
        cases["pgcrypto_raw"] = (
            r"SELECT count(convert_from(decrypt_iv(raw, '\x0123456789abcdef0123456789abcdef', iv, 'aes'), 'UTF8'))"
            " FROM bench.crypted", ROWS, "scan_ids",
        )
    taken = {case: [] for case in cases}
    psql("".join(f"ALTER ROLE {name} SET log_statement_stats = on;" for name in ROLES))
    for _ in range(max(3, ROUNDS)):
        for case, (sql, rows, _) in cases.items():
            taken[case].append(microseconds(sql, rows, role(case)))
    psql("".join(f"ALTER ROLE {name} RESET log_statement_stats;" for name in ROLES))
    medians = {case: statistics.median(values) for case, values in taken.items()}
    return {case: medians[case] - (medians[base] if base else 0) for case, (_, _, base) in cases.items()}


def make_crypted():
    """pgcrypto's two ways over the same secrets, where the contrib package is there. Raw is not authenticated."""
    if not psql("SELECT 1 FROM pg_available_extensions WHERE name = 'pgcrypto'"):
        return False
    sample = ROWS // 100
    psql(rf"""
        CREATE EXTENSION pgcrypto;
        CREATE TABLE bench.crypted AS
            SELECT n, iv, encrypt_iv(convert_to(secret, 'UTF8'), '\x0123456789abcdef0123456789abcdef', iv, 'aes') AS raw,
                   CASE WHEN n <= {sample} THEN pgp_sym_encrypt(secret, 'password') END AS pgp
              FROM bench.source, LATERAL (SELECT gen_random_bytes(16 + (n * 0)::int) AS iv) AS drawn;
        GRANT SELECT ON bench.crypted TO bench_app;
    """)
    return True


def sizes():
    """Bytes on disk for each secret, indexes included; on fresh tables in databases of their own."""
    source = f"generate_series(1, {ROWS}) AS n"
    secret = "left(md5(n::text) || md5((-n)::text), 40)"
    name = "'name' || lpad(n::text, 8, '0')"
    fill = {
        "one_tenant": f"SELECT count(vault.store_credential({name}, {secret})) FROM {source}",
        "many_tenants": f"SELECT count(vault.encrypt_tenant_secret(tenant, {name}, {secret})::text) FROM {source}"
        f" JOIN tenants ON tenants.at = n % {TENANTS}",
    }
    tables = {"secrets": ["credentials"], "tenants": ["tenants", "wrapped_tenant_keys"]}
    answer = {}
    for case, sql in fill.items():
        psql(f"CREATE DATABASE size_{case}")
        psql("CREATE EXTENSION tenant_vault;"
             f"CREATE TABLE tenants AS SELECT at, gen_random_uuid() AS tenant FROM generate_series(0, {TENANTS - 1}) AS at;"
             f"{sql};", database=f"size_{case}")
        for what, relations in tables.items():
            total = "+".join(f"pg_total_relation_size('vault.{relation}')" for relation in relations)
            answer[f"{case}_{what}"] = number(f"SELECT {total}", database=f"size_{case}")
        answer[f"{case}_heap"] = number("SELECT pg_relation_size('vault.credentials')", database=f"size_{case}") / ROWS
        answer[f"{case}_secrets"] /= ROWS
        answer[f"{case}_tenants"] /= TENANTS
        psql(f"DROP DATABASE size_{case}")
    psql(f"CREATE TABLE bench.fresh (LIKE bench.plain INCLUDING ALL);"
         f"INSERT INTO bench.fresh (name, secret) SELECT {name}, {secret} FROM {source};")
    answer["plain"] = number("SELECT pg_total_relation_size('bench.fresh')") / ROWS
    answer["log_row"] = number(
        "SELECT pg_relation_size('vault.vault_access_log') / count(*)::float FROM vault.vault_access_log")
    return answer


def logged_bytes(folder):
    """Case -> bytes of WAL an execution, each in a transaction of its own; and transaction ids used by 1000 reads."""
    wal, xids = {}, {}
    for case in ("insert", "audited_insert", "store", "select_insert", "retrieve", "rotate", "tenant_get"):
        scripts = 100
        lsn, xid = "pg_current_wal_insert_lsn() - '0/0'", "pg_snapshot_xmax(pg_current_snapshot())"
        before = number(f"SELECT {lsn}"), number(f"SELECT {xid}")
        pgbench(folder, case, 1, "off", "-t", str(scripts))
        executions = scripts * script(case)[1]
        wal[case] = (number(f"SELECT {lsn}") - before[0]) / executions
        xids[case] = (number(f"SELECT {xid}") - before[1]) / executions * 1000
    return wal, xids


def seconds(sql, database):
    """Wall clock of one statement or CALL, in a session of its own with the server's own synchronous_commit."""
    begun = time.monotonic()
    psql(sql, database=database, sync="on")
    return time.monotonic() - begun


def rotation(has_pgcrypto):
    """Seconds that rotations of keys take with many secrets stored, and what pgcrypto needs to encrypt them anew."""
    tenants = max(ROTATION_ROWS // 100, 1)
    place = {"database": "rotation"}
    psql("CREATE DATABASE rotation")
    psql(f"""
        CREATE EXTENSION tenant_vault;
        CREATE TABLE tenants AS SELECT gen_random_uuid() AS tenant, n FROM generate_series(1, {tenants}) AS n;
        CREATE TABLE source AS SELECT tenant, n, 'key' || m AS key, left(md5(n::text) || md5(m::text), 40) AS secret
          FROM tenants, generate_series(1, {ROTATION_ROWS // tenants}) AS m;
        SELECT count(vault.encrypt_tenant_secret(tenant, key, secret)::text) FROM source;
        VACUUM (ANALYZE);
    """, **place)
    answer = {"rows": ROTATION_ROWS, "tenants": tenants}
    # The ring of this server has two keys; each round goes to the other one.
    answer["root_key_s"] = statistics.median(
        seconds(f"CALL vault.rotate_root_key('{root}', 10000)", "rotation") for root in ("other", "bench", "other"))
    psql("SELECT count(vault.rotate_tenant_key(tenant)) FROM tenants", **place)
    answer["rewrap_s"] = seconds("CALL vault.rewrap_credentials(NULL, 10000)", "rotation")
    if has_pgcrypto:
        key, other = (f"'\\x{digit * 32}'" for digit in "01")
        sample = max(ROTATION_ROWS // 1000, 1)
        psql(f"""
            CREATE EXTENSION pgcrypto;
            CREATE TABLE raw AS SELECT tenant, key, iv, encrypt_iv(convert_to(secret, 'UTF8'), {key}, iv, 'aes') AS secret
              FROM source, LATERAL (SELECT gen_random_bytes(16 + (n * 0)::int) AS iv) AS drawn;
            CREATE TABLE pgp AS SELECT tenant, key, pgp_sym_encrypt(secret, 'former') AS secret FROM source LIMIT {sample};
            VACUUM (ANALYZE);
        """, **place)
        answer["pgcrypto_raw_s"] = seconds(
            f"UPDATE raw SET secret = encrypt_iv(decrypt_iv(secret, {key}, iv, 'aes'), {other}, iv, 'aes')", "rotation")
        answer["pgp_sym_sample"] = sample
        answer["pgp_sym_s"] = ROTATION_ROWS / sample * seconds(
            "UPDATE pgp SET secret = pgp_sym_encrypt(pgp_sym_decrypt(secret, 'former'), 'latter')", "rotation")
    psql("DROP DATABASE rotation")
    return answer


def access_log():
    """What appending a record costs as the log grows, tenfold each time, and what verifying all of it takes."""
    place = {"database": "log"}
    psql("CREATE DATABASE log")
    psql("""
        CREATE EXTENSION tenant_vault;
        CREATE TABLE ids AS SELECT array_agg(vault.store_credential('name', 'secret')) AS ids FROM generate_series(1, 1000);
    """, **place)
    # The array depends on n, or PostgreSQL would call the function once.
    read = "SELECT count(*) FROM generate_series(1, {}) AS n, ids, LATERAL vault.retrieve_credentials(ids[1 : 1000 + 0 * n])"
    answer, rows = [], 10000
    while rows <= LOG_ROWS:
        there = number("SELECT seq FROM vault.access_log_head", **place)
        psql(read.format(int(rows - there) // 1000), **place)
        each = statistics.median(seconds(read.format(20), "log") for _ in range(5)) * 1e6 / 20000
        answer.append({"rows": rows, "each_us": each})
        rows *= 10
    begun = time.monotonic()
    verdict = psql("SELECT intact, records FROM vault.verify_access_log()", **place).split("|")
    assert verdict[0] == "t", verdict
    took = time.monotonic() - begun
    psql("DROP DATABASE log")
    return {"sizes": answer, "verified": int(verdict[1]), "verify_s": took}


# What a table has beside its rows; the more it has, the less the guard adds to a COPY.
GUARDED_TABLES = {
    "bare": "",
    "key": "ALTER TABLE {0} ADD PRIMARY KEY (id);",
    "indexes": "ALTER TABLE {0} ADD PRIMARY KEY (id); CREATE INDEX ON {0} (mail); CREATE INDEX ON {0} (status, name);",
}


def guard(folder):
    """Processor time that the guard adds to a row of six short texts, and wall clock of COPY into tables with and without."""
    place = {"database": "guard"}
    psql("CREATE DATABASE guard")
    columns = "id uuid, name text, mail text, city text, sku text, hash text, status text"
    psql(f"""
        CREATE EXTENSION tenant_vault;
        CREATE TABLE source AS
            SELECT gen_random_uuid() AS id, 'Customer number ' || n AS name, 'user' || n || '@example.com' AS mail,
                   'Berlin, Germany' AS city, 'sku-' || n || '-blue-xl' AS sku, md5(n::text) AS hash, 'pending' AS status
              FROM generate_series(1, {GUARD_ROWS}) AS n;
    """, **place)
    for kind, more in GUARDED_TABLES.items():
        for guarded in ("", "guarded_"):
            psql(f"CREATE TABLE {guarded}{kind} ({columns}); {more.format(guarded + kind)}", **place)
        psql(f"SET client_min_messages = warning; SELECT vault.guard_table('guarded_{kind}')", **place)
    rows = folder / "rows"
    rows.write_text(psql("COPY source TO STDOUT", **place) + "\n")
    copies = {kind: [] for kind in GUARDED_TABLES}
    row_us = []
    psql("ALTER ROLE postgres SET log_statement_stats = on")
    for _ in range(max(5, ROUNDS)):
        inserts = []
        for table in ("bare", "guarded_bare"):
            psql(f"TRUNCATE {table}", **place)
            sql = f"INSERT INTO {table} SELECT * FROM source"
            inserts.append(microseconds(sql, GUARD_ROWS, "postgres", "guard"))
        row_us.append(inserts[1] - inserts[0])
        for kind, taken in copies.items():
            pair = []
            for table in (kind, f"guarded_{kind}"):
                psql(f"TRUNCATE {table}", **place)
                pair.append(seconds(f"\\copy {table} FROM '{rows}'", "guard"))
            taken.append(pair)
    psql("ALTER ROLE postgres RESET log_statement_stats")
    psql("DROP DATABASE guard")
    return {
        "rows": GUARD_ROWS,
        "row_us": statistics.median(row_us),
        "copy": {
            kind: {
                "plain_s": statistics.median(pair[0] for pair in taken),
                "guarded_s": statistics.median(pair[1] for pair in taken),
                "ratio": statistics.median(pair[1] / pair[0] for pair in taken),
            }
            for kind, taken in copies.items()
        },
    }


def machine():
    cpuinfo, meminfo = Path("/proc/cpuinfo").read_text(), Path("/proc/meminfo").read_text()
    model = re.search(r"model name\s*: (.*)", cpuinfo)
    return {
        "processor": model[1] if model else platform.machine(),
        "cores": os.cpu_count(),
        "memory_gib": round(int(re.search(r"MemTotal:\s*(\d+)", meminfo)[1]) / 2**20),
        "kernel": platform.release(),
        "postgresql": psql("SHOW server_version"),
    }


def say(text):
    print(f"    {text}", flush=True)


def main():
    started, load = time.time(), os.getloadavg()[0]
    if os.environ.get("ONLY") == "guard":
        with tempfile.TemporaryDirectory() as folder:
            print(json.dumps({"guard": guard(Path(folder)), "machine": {**machine(), "load_before": load}}, indent=1))
        return
    psql("CREATE EXTENSION tenant_vault")
    psql((HERE / "schema.sql").read_text())
    say(f"loading {ROWS} secrets")
    psql((HERE / "load.sql").read_text(), "-v", f"rows={ROWS}", "-v", f"tenants={TENANTS}")
    has_pgcrypto = make_crypted()
    psql("VACUUM (ANALYZE)")
    psql("CHECKPOINT")

    say("bytes on disk")
    results = {"sizes": sizes()}
    with tempfile.TemporaryDirectory() as folder:
        say("cost per call in one statement")
        results["statement"] = in_one_statement(has_pgcrypto)
        turns = []
        for turn in range(ROUNDS):
            for clients, sync in CONFIGURATIONS:
                say(f"pgbench, round {turn + 1} of {ROUNDS}: {clients} client(s), synchronous_commit={sync}")
                for case in CASES:
                    rate = pgbench(Path(folder), case, clients, sync, "-T", str(PERIOD))
                    turns.append({"case": case, "clients": clients, "sync": sync, "round": turn, "rate": rate})
        results["pgbench"] = turns
        say("bytes of WAL, transaction ids")
        results["wal"], results["xids"] = logged_bytes(Path(folder))
    if ROTATION_ROWS:
        say(f"rotation of keys with {ROTATION_ROWS} secrets")
        results["rotation"] = rotation(has_pgcrypto)
    if LOG_ROWS:
        say(f"an access log that grows to {LOG_ROWS} records")
        results["access_log"] = access_log()
    if GUARD_ROWS:
        say(f"the guard of a table, {GUARD_ROWS} rows")
        with tempfile.TemporaryDirectory() as folder:
            results["guard"] = guard(Path(folder))
    results["options"] = {"rounds": ROUNDS, "period_s": PERIOD, "rows": ROWS, "tenants": TENANTS, "many": MANY}
    results["machine"] = {**machine(), "load_before": load, "minutes": (time.time() - started) / 60}
    Path(sys.argv[1]).write_text(json.dumps(results, indent=1) + "\n")


main()
