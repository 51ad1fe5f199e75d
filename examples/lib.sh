# shellcheck shell=bash
# What the examples share: the project's private server, and a database of their own on it. Sourced, never run.
#
#   INSTALLED=1  runs with the build that is installed, builds nothing
# shellcheck source=../scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../scripts/lib.sh"

# example_database NAME: a server that runs, and on it an empty database NAME with the extension.
example_database() {
    if [ -z "${INSTALLED:-}" ]; then
        "$root/scripts/setup"
        "$root/scripts/install"
    fi
    "$root/scripts/cluster" start

    say "making the database $1 anew"
    # Of template0, where autovacuum does not work: with a worker in it no database is made of template1.
    tour_psql -q -d postgres <<SQL
SET client_min_messages = warning;
DROP DATABASE IF EXISTS $1 WITH (FORCE);
CREATE DATABASE $1 TEMPLATE template0;
SQL
    tour_psql -q -d "$1" -c 'CREATE EXTENSION tenant_vault'
}

# The TypeScript client, built.
example_client() {
    if [ -z "${INSTALLED:-}" ] || [ ! -d "$root/clients/typescript/dist/src" ]; then
        "$root/scripts/setup" tests # Node.js
        "$root/scripts/client"
    fi
    export PATH=$target/tools/bin:$PATH
}

# node_program FILE: runs it against the database NAME, and compares what it says with expected.out beside it.
node_program() {
    local here answers
    here=$(dirname "$1")
    answers=$target/$(basename "$here").out
    say "${1#"$root"/}"
    PGHOST=$(cluster_home)/run PGPORT=$(cat "$(cluster_home)/port") PGDATABASE=$2 node "$1" | tee "$answers"
    diff -u "$here/expected.out" "$answers" || die "the answers are not those of expected.out"
}
