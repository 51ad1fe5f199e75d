# shellcheck shell=bash
# What the scripts share: where things are, who runs the server, how to speak. Sourced, never run.
# Invariant: nothing here touches a cluster other than the tour's own, nor the files of another PostgreSQL.
set -euo pipefail

# pgrx appends a captured backtrace to the DETAIL a client sees when these are set.
unset RUST_BACKTRACE RUST_LIB_BACKTRACE
# Cargo and npm keep what they fetch there; a build machine may start us without it.
if [ -z "${HOME-}" ]; then
    HOME=$(getent passwd "$(id -u)" | cut -d : -f 6)
    export HOME
fi
# The caller's own PostgreSQL settings must not steer our clients to another server.
unset PGHOST PGHOSTADDR PGPORT PGUSER PGDATABASE PGPASSWORD PGSERVICE PGOPTIONS PGDATA PGAPPNAME

# shellcheck disable=SC2034  # read by the scripts that source this file
{
    pgrx_version=0.18.1
    pg_major=15
    database=vault_tour
}
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
target=${CARGO_TARGET_DIR:-$root/target}
mkdir -p "$target"
target=$(cd "$target" && pwd -P)
export CARGO_TARGET_DIR=$target
# Which private server is meant. Another name is another folder and another port, beside the one that `make run` uses.
cluster=${VAULT_CLUSTER:-cluster}
PG_CONFIG=${PG_CONFIG:-/usr/lib/postgresql/$pg_major/bin/pg_config}

# cargo-pgrx adds a linker flag to library builds so that the schema section survives on every linker. Cargo compiles
# each dependency once per set of flags, so every one would be built twice: with the flag for the library, without it
# for the tests. The linker of x86-64 keeps the section by itself, and cargo-pgrx fails loudly should it ever not.
if [ "$(uname -m)" = x86_64 ]; then
    export CARGO_PGRX_DISABLE_GC_SECTIONS_WORKAROUND=1
fi

if [ -t 1 ]; then
    bold=$'\e[1m' dim=$'\e[2m' red=$'\e[31m' plain=$'\e[0m'
else
    bold='' dim='' red='' plain=''
fi

say() { printf '%s==> %s%s\n' "$bold" "$*" "$plain"; }
note() { printf '%s    %s%s\n' "$dim" "$*" "$plain"; }
die() {
    printf '%serror: %s%s\n' "$red" "$*" "$plain" >&2
    exit 1
}

is_root() { [ "$(id -u)" = 0 ]; }

as_root() {
    if is_root; then "$@"; else sudo "$@"; fi
}

# initdb and postgres refuse root: root works through the account of Debian's packages, anyone else as themselves.
server_user() {
    if is_root; then echo postgres; else id -un; fi
}

# A clean environment: the server inherits neither RUST_BACKTRACE nor the caller's language settings.
as_server() {
    local clean=(env -i "PATH=/usr/local/bin:/usr/bin:/bin" LC_ALL=C.UTF-8 TMPDIR=/tmp)
    if is_root; then
        (cd / && runuser -u "$(server_user)" -- "${clean[@]}" "$@")
    else
        (cd / && "${clean[@]}" "$@")
    fi
}

pg_bin() { "$PG_CONFIG" --bindir; }

# cargo-pgrx of exactly our version: the user's own if it fits, else one of this checkout's.
cargo_pgrx() {
    local own=$target/tools/bin/cargo-pgrx
    if [ -x "$own" ]; then "$own" pgrx "$@"; else cargo pgrx "$@"; fi
}

# Node.js of the system if it is new enough, else the one that `scripts/setup tests` has put here.
node_is_new_enough() {
    PATH=$target/tools/bin:$PATH node -e 'process.exit(process.versions.node.split(".")[0] >= 20 ? 0 : 1)' 2>/dev/null
}

port_is_free() { ! (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# Below 32768, where Linux begins to hand out ports to clients.
choose_port() {
    local port
    for _ in $(seq 50); do
        port=$((20000 + RANDOM % 12000))
        if port_is_free "$port"; then
            echo "$port"
            return
        fi
    done
    die "no free port between 20000 and 32000"
}

# Its folder is deleted by that name.
[[ $cluster =~ ^([a-z]+-)?cluster$ ]] || die "VAULT_CLUSTER must read like test-cluster"

# The folder of the tour's server: under target/, or where `scripts/cluster start` had to put it.
cluster_home() {
    if [ -s "$target/$cluster.path" ]; then cat "$target/$cluster.path"; else echo "$target/$cluster"; fi
}

cluster_runs() {
    local data
    data=$(cluster_home)/data
    [ -d "$data" ] && as_server "$(pg_bin)/pg_ctl" -D "$data" status >/dev/null 2>&1
}

# Everything that decides what CREATE EXTENSION makes, as one line.
installed_build() {
    local share lib
    share=$("$PG_CONFIG" --sharedir)/extension
    lib=$("$PG_CONFIG" --pkglibdir)
    cat "$lib/tenant_vault.so" "$share"/tenant_vault.control "$share"/tenant_vault--*.sql | sha256sum | cut -d ' ' -f 1
}

# Superuser's psql on the tour's server; fails at the first error.
tour_psql() {
    local home
    home=$(cluster_home)
    "$(pg_bin)/psql" -X -v ON_ERROR_STOP=1 -h "$home/run" -p "$(cat "$home/port")" -U postgres "$@"
}
