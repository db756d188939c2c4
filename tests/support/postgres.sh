#!/bin/sh
# postgres.sh - a private PostgreSQL in a folder: a cluster of its own, on a Unix socket in that folder and on nothing else.
#
#   postgres.sh start FOLDER [--careless] [--until PID]
#                              makes the cluster unless it is there, starts it unless it runs, prints the URL. --careless:
#                              no fsync, for tests that need not survive a power cut. --until: when that process has ended,
#                              however that came, the server is stopped and FOLDER removed
#   postgres.sh stop FOLDER    ends it, with whoever is connected; no error when none runs
#   postgres.sh status FOLDER  says whether it runs; exit status 3 when not
#   postgres.sh pooler FOLDER  pgbouncer in transaction mode before it, on a socket in FOLDER/pooler; prints its URL
#   postgres.sh psql FOLDER [ARGS]
#                              psql as the role dowel
#
# There are three roles: postgres, the superuser; dowel, which logs in and owns nothing; dowel_system, which owns what there
# is. Who may enter the folder may be any of them (the socket trusts), and the folder is for its owner alone. A role that is
# a member of with_password is asked for its password even so.
#
# PostgreSQL and pgbouncer refuse to run for root, so root runs them as the user postgres that their packages make.
set -eu

die() {
    printf 'postgres.sh: %s\n' "$*" >&2
    exit 1
}

# Where the newest version's programs are: Debian keeps them out of PATH, because several versions may be installed.
programs() {
    newest=$(find /usr/lib/postgresql -path '*/bin/initdb' 2>/dev/null | sort -t / -k 5 -n | tail -n 1)
    [ -n "$newest" ] || newest=$(command -v initdb) ||
        die "there is no PostgreSQL here; install it: apt-get install postgresql"
    dirname "$newest"
}

as_owner() {
    if [ "$(id -u)" -eq 0 ]; then
        setpriv --reuid=postgres --regid=postgres --init-groups -- "$@"
    else
        "$@"
    fi
}

make_folder() {
    mkdir -p "$folder"
    folder=$(CDPATH='' cd -- "$folder" && pwd)
    # The socket's name is a part of an address that Linux limits to 107 bytes.
    [ ${#folder} -le 80 ] || die "the path $folder is too long for a Unix socket in it: use a shorter one"
    if [ "$(id -u)" -eq 0 ]; then
        id postgres >/dev/null 2>&1 || die "there is no user postgres, which Debian's package makes: apt-get install postgresql"
        chown postgres:postgres "$folder"
    fi
    chmod 700 "$folder"
    as_owner test -w "$folder/." ||
        die "the user postgres cannot reach $folder: every folder above it must let others pass (chmod o+x), or run this as a plain user"
}

make_cluster() {
    as_owner "$bin/initdb" -D "$folder/cluster" --no-sync --auth=trust --username=postgres --encoding=UTF8 --locale=C.UTF-8 \
        >"$folder/initdb.log" 2>&1 || {
        cat "$folder/initdb.log" >&2
        die "could not make a cluster in $folder"
    }
    as_owner tee -a "$folder/cluster/postgresql.conf" >/dev/null <<TEXT
listen_addresses = ''
unix_socket_directories = '$folder'
unix_socket_permissions = 0700
max_connections = 200
shared_buffers = 64MB
wal_level = minimal
max_wal_senders = 0
log_min_messages = warning
log_checkpoints = off
TEXT
    printf 'local all +with_password scram-sha-256\nlocal all all trust\n' |
        as_owner tee "$folder/cluster/pg_hba.conf" >/dev/null
}

# What an administrator does once: the statements that docs/postgresql.md tells them, so that those are known to work.
make_roles() {
    docs=$(dirname "$0")/../../docs/postgresql.md
    # shellcheck disable=SC2016 # backquotes are what is looked for
    sed -n '/^```sql$/,/^```$/{/^```/d;p;}' "$docs" | as_superuser -d postgres
    as_superuser -d postgres -c 'CREATE ROLE with_password NOLOGIN'
}

as_superuser() {
    "$bin/psql" -X -q -v ON_ERROR_STOP=1 -h "$folder" -U postgres "$@"
}

is_running() {
    [ -e "$folder/cluster/postmaster.pid" ] && as_owner "$bin/pg_ctl" -D "$folder/cluster" status >/dev/null 2>&1
}

url() {
    printf 'postgres://dowel@/dowel?host=%s\n' "$folder"
}

# A process of its own that looks every second. What stops the server in time leaves it nothing to do.
watch() { # PID
    while kill -0 "$1" 2>/dev/null && [ -d "$folder" ]; do
        sleep 1
    done
    [ -d "$folder" ] || return 0
    stop
    rm -rf "$folder"
}

start() {
    careless=
    until=
    while [ $# -gt 0 ]; do
        case $1 in
        --careless) careless='-c fsync=off -c synchronous_commit=off -c full_page_writes=off -c max_wal_size=256MB' ;;
        --until)
            until=$2
            shift
            ;;
        *) die "start knows no $1" ;;
        esac
        shift
    done
    bin=$(programs)
    make_folder
    fresh=no
    if [ ! -e "$folder/cluster/PG_VERSION" ]; then
        make_cluster
        fresh=yes
    fi
    if ! is_running; then
        # Nothing of ours is left open in the server: whoever waits for the end of our output would wait for it.
        as_owner "$bin/pg_ctl" -D "$folder/cluster" -s -w -t 60 -l "$folder/log" -o "$careless" start </dev/null >/dev/null || {
            tail -n 20 "$folder/log" >&2
            die "PostgreSQL did not start in $folder"
        }
    fi
    [ "$fresh" = no ] || make_roles
    [ -z "$until" ] || setsid "$0" _watch "$folder" "$until" </dev/null >/dev/null 2>&1 &
    url
}

stop_pooler() {
    [ -e "$folder/pooler/pid" ] || return 0
    pid=$(cat "$folder/pooler/pid")
    kill -TERM "$pid" 2>/dev/null || return 0
    rm -f "$folder/pooler/pid"
}

stop() {
    [ -d "$folder" ] || return 0
    bin=$(programs)
    folder=$(CDPATH='' cd -- "$folder" && pwd)
    stop_pooler
    ! is_running || as_owner "$bin/pg_ctl" -D "$folder/cluster" -s -w -t 30 -m fast stop ||
        as_owner "$bin/pg_ctl" -D "$folder/cluster" -s -w -t 10 -m immediate stop
}

status() {
    [ -d "$folder" ] || { echo 'not running'; exit 3; }
    bin=$(programs)
    folder=$(CDPATH='' cd -- "$folder" && pwd)
    is_running || { echo 'not running'; exit 3; }
    printf 'running, process %s\n' "$(head -n 1 "$folder/cluster/postmaster.pid")"
    url
}

pooler() {
    PATH=$PATH:/usr/sbin command -v pgbouncer >/dev/null || die "there is no pgbouncer here: apt-get install pgbouncer"
    folder=$(CDPATH='' cd -- "$folder" && pwd)
    mkdir -p "$folder/pooler"
    cat >"$folder/pooler/pgbouncer.ini" <<TEXT
[databases]
* = host=$folder user=dowel
[pgbouncer]
listen_addr =
listen_port = 6432
unix_socket_dir = $folder/pooler
auth_type = any
auth_file = $folder/pooler/users
pool_mode = transaction
default_pool_size = 4
max_client_conn = 200
logfile = $folder/pooler/log
pidfile = $folder/pooler/pid
TEXT
    : >"$folder/pooler/users"
    if [ "$(id -u)" -eq 0 ]; then
        chown -R postgres:postgres "$folder/pooler"
    fi
    if [ ! -e "$folder/pooler/pid" ] || ! kill -0 "$(cat "$folder/pooler/pid")" 2>/dev/null; then
        rm -f "$folder/pooler/pid"
        as_owner env PATH="$PATH:/usr/sbin" pgbouncer -q -d "$folder/pooler/pgbouncer.ini" </dev/null >/dev/null ||
            die "pgbouncer did not start; see $folder/pooler/log"
    fi
    printf 'postgres://dowel@/dowel?host=%s&port=6432\n' "$folder/pooler"
}

[ $# -ge 2 ] || die "usage: postgres.sh start|stop|status|pooler|psql FOLDER"
word=$1
folder=$2
shift 2
case $word in
start | stop | status | pooler) "$word" "$@" ;;
_watch) watch "$@" ;;
psql)
    bin=$(programs)
    exec "$bin/psql" -h "$(CDPATH='' cd -- "$folder" && pwd)" -U dowel -d dowel "$@"
    ;;
*) die "there is no $word: start, stop, status, pooler, psql" ;;
esac
