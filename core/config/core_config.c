#include "config/core_config.h"

#include <sys/stat.h>
#include <sys/un.h>

#include "config/units.h"
#include "secure/keyring.h"
#include "util/clock.h"

#define MILLISECONDS(n) ((int64_t)(n)*CLOCK_MS)
#define SECONDS(n)      ((int64_t)(n)*CLOCK_SECOND)
#define MINUTES(n)      (SECONDS(60) * (n))
#define HOURS(n)        (MINUTES(60) * (n))
#define KIB(n)          ((int64_t)(n) << 10)
#define GIB(n)          ((int64_t)(n) << 30)

enum { RATE_MAX = 1000000000, BURST_MAX = 1000000000 };

static const char *listen_wrong(struct str text)
{
    struct core_listener listener;
    return core_listener_parse(text, &listener);
}

static const char *rate_wrong(struct str text)
{
    uint32_t requests;
    int64_t window_us;
    return core_rate_parse(text, &requests, &window_us);
}

/* Such addresses are never allowed: cloud machines find their credentials there. */
static const char *client_allow_wrong(struct str text)
{
    struct network network;

    if (network_parse(text, &network) == 0 && address_scope_of(&network.base) == ADDRESS_LINK_LOCAL)
        return "is link-local; such addresses hold the metadata services of clouds and cannot be allowed";
    return NULL;
}

/* A path that depends on where the server was started would one day be another, empty database. */
static const char *database_wrong(struct str text)
{
    static const struct str sqlite = STR("sqlite:");

    if (text.n == 0)
        return NULL;
    if (str_starts_with(text, sqlite))
        return text.n > sqlite.n + 1 && text.p[sqlite.n] == '/'
                   ? NULL
                   : "has no absolute path; write sqlite:/var/lib/dowel/dowel.db";
    if (core_database_is_postgres(text))
        return NULL;
    return "is neither sqlite:PATH nor postgres://USER@HOST/NAME";
}

#define ITEM(member, ...) CONFIG_ITEM(struct core_config, member, __VA_ARGS__)

static const struct config_item items[] = {
    ITEM(listen, .section = "Listening", .fallback = "[\"127.0.0.1:8000\"]", .min = 1, .max = 64,
         .wrong = listen_wrong, .restart = true,
         .example = "[\"https://0.0.0.0:8443\", \"[::1]:8000\", \"unix:/run/dowel/http.sock\"]",
         .help = "Where requests are accepted: `ADDR:PORT`, `https://ADDR:PORT` or `unix:PATH`. Port 0 takes "
                 "a free "
                 "one; `0.0.0.0` and `[::]` are all addresses of the machine"),
    ITEM(tls_certificate, .fallback = "\"\"", .pattern = "file", .restart = true,
         .example = "/etc/dowel/tls/fullchain.pem",
         .help = "The certificate chain of `https://` listeners, PEM, the server's own certificate first. "
                 "Read again "
                 "on reload"),
    ITEM(tls_key, .fallback = "\"\"", .pattern = "file", .restart = true, .example = "/etc/dowel/tls/key.pem",
         .help = "The private key of that certificate, PEM"),

    ITEM(loops, .section = "Threads", .fallback = "0", .min = 0, .max = 1024, .restart = true,
         .help = "Threads that read and write connections; 0: one per processor core"),
    ITEM(workers, .fallback = "0", .min = 0, .max = 4096, .restart = true,
         .help = "Threads that work on requests; 0: eight per processor core, at least 16"),
    ITEM(job_workers, .fallback = "0", .min = 0, .max = 4096, .restart = true,
         .help =
             "Threads that work on jobs, so that jobs cannot hold up requests; 0: one per processor core, "
             "at least "
             "four"),
    ITEM(jobs_keep_done, .fallback = "7d", .min = 0, .max = HOURS(24 * 3660), .restart = true,
         .help = "How long jobs stay in the list that are done or were cancelled"),
    ITEM(jobs_keep_dead, .fallback = "90d", .min = 0, .max = HOURS(24 * 3660), .restart = true,
         .help = "How long jobs stay that were given up, for an admin to look at and to replay"),
    ITEM(check_connections, .fallback = "15m", .min = 0, .max = HOURS(24 * 31), .restart = true,
         .help =
             "After how long without a sign of life a connection to another system is checked; 0: only when "
             "somebody wants it"),
    ITEM(audit_keep, .fallback = "0", .min = 0, .max = HOURS(24 * 36600), .restart = true,
         .help = "How long records of the audit log stay; older ones are removed, and the rest can still be "
                 "verified; "
                 "0: for ever"),
    ITEM(time_zone, .fallback = "UTC", .pattern = "zone", .restart = true, .example = "Europe/Berlin",
         .help = "By whose clock schedules go that name no zone of their own"),
    ITEM(queue, .fallback = "1024", .min = 1, .max = 1000000, .restart = true,
         .help = "Requests that may wait for a worker; one more is answered with 503 and Retry-After"),

    ITEM(body_max, .section = "Limits and deadlines", .fallback = "1 MiB", .min = KIB(1), .max = GIB(1024),
         .restart = true,
         .help = "The largest content of a request, unless its route says otherwise; beyond it: 413"),
    ITEM(connections_max, .fallback = "20000", .min = 1, .max = 1000000, .restart = true,
         .help = "Connections that may be open at a time"),
    ITEM(connections_per_address, .fallback = "1024", .min = 1, .max = 1000000, .restart = true,
         .help = "Of these, how many from one address; loopback, Unix sockets and trusted proxies are not "
                 "counted"),
    ITEM(header_timeout, .fallback = "10s", .min = MILLISECONDS(100), .max = HOURS(1), .restart = true,
         .help = "A request's head must be complete within this time"),
    ITEM(idle_timeout, .fallback = "60s", .min = MILLISECONDS(100), .max = HOURS(24), .restart = true,
         .help = "A connection without a request is closed after this time"),
    ITEM(write_timeout, .fallback = "60s", .min = MILLISECONDS(100), .max = HOURS(24), .restart = true,
         .help = "A connection whose client takes nothing of its reply is closed after this time"),
    ITEM(request_timeout, .fallback = "60s", .min = MILLISECONDS(100), .max = HOURS(24), .restart = true,
         .help = "A request must be answered within this time from its head on; else: 504"),
    ITEM(body_min_rate, .fallback = "500", .min = 0, .max = GIB(1), .restart = true,
         .help = "Bytes a second that a client must send of a request's content, after 5 seconds of grace; "
                 "0: no limit"),
    ITEM(heartbeat, .fallback = "15s", .min = SECONDS(1), .max = HOURS(1), .restart = true,
         .help = "Time between two signs of life on an event stream; keep it below the time-outs of proxies "
                 "between"),
    ITEM(stream_buffer, .fallback = "256 KiB", .min = KIB(4), .max = GIB(1), .restart = true,
         .help = "How much of an event stream its client may be behind before it is cut off"),
    ITEM(drain_timeout, .fallback = "30s", .min = 0, .max = HOURS(24), .restart = true,
         .help = "On stop and reload, requests that are running may take this long before they are cut off"),
    ITEM(watchdog_warn, .fallback = "30s", .min = 0, .max = HOURS(24), .restart = true,
         .help = "When a plugin's code takes longer than this, the log says which; 0s: never"),
    ITEM(watchdog_replace, .fallback = "5m", .min = 0, .max = HOURS(24), .restart = true,
         .help = "When it takes longer than this, the server process is replaced and the plugin's crash is "
                 "counted; "
                 "0s: never"),

    ITEM(access_log, .section = "Requests", .fallback = "true", .restart = true,
         .help = "A log line for each request"),
    ITEM(compression, .fallback = "true", .restart = true,
         .help =
             "Compressible replies of 1000 bytes and more are sent with gzip to clients that understand it"),
    ITEM(check_replies, .fallback = "false", .restart = true,
         .help = "Each reply of a plugin is held against its api.yaml, and is a 500 that says where if it is "
                 "something else. For those who write plugins; it takes time"),
    ITEM(trusted_proxies, .fallback = "[]", .pattern = "network", .restart = true,
         .example = "[\"10.0.0.0/8\", \"192.0.2.7\"]",
         .help = "Networks whose Forwarded, X-Forwarded-For and X-Request-Id headers are believed"),
    ITEM(cors_origins, .fallback = "[]", .pattern = "origin", .restart = true, .aliases = "CORS_ORIGINS",
         .example = "[\"https://app.example\"]",
         .help = "Web pages of these origins may call the server from a browser; `*`: of every one"),
    ITEM(rate_limit, .fallback = "\"off\"", .wrong = rate_wrong, .restart = true, .example = "100/1m",
         .help = "Requests that one address may send, by time; more are answered with 429. `off`: as many as "
                 "it likes"),
    ITEM(route_limits, .fallback = "true", .restart = true,
         .help = "The limits that contracts state for single operations (x-rate-limit), such as that of "
                 "signing in, "
                 "hold for each address; false for load tests"),
    ITEM(rate_burst, .fallback = "0", .min = 0, .max = BURST_MAX, .restart = true,
         .help = "How many of these may come at once; 0: as many as rate_limit allows in its time"),
    ITEM(static_dir, .fallback = "\"\"", .pattern = "directory", .restart = true, .example = "/srv/www",
         .help = "Files of this directory are served at `/`; empty: none"),
    ITEM(docs_pages, .fallback = "true", .restart = true,
         .help = "The operations of the server and its plugins as pages: Swagger UI at `/docs`, ReDoc at "
                 "`/redoc`, both also below `/api`"),
    ITEM(metrics_allow, .fallback = "[]", .pattern = "network", .restart = true,
         .example = "[\"10.0.0.0/8\"]",
         .help = "Networks that may read `/metrics` and the details of `/readyz`, beside this machine"),

    ITEM(database_url, .section = "Database", .fallback = "\"\"", .wrong = database_wrong, .restart = true,
         .aliases = "DATABASE_URL", .example = "postgres://dowel@db.example/dowel",
         .help =
             "Where everything is kept: `sqlite:PATH`, or `postgres://USER:PASSWORD@HOST/NAME` for several "
             "servers. Empty: SQLite's `dowel.db` in the data directory"),
    ITEM(database_connections, .fallback = "16", .min = 1, .max = 10000, .restart = true,
         .help = "Connections to it at most; who comes when all are taken waits"),
    ITEM(database_pooler, .fallback = "false", .restart = true,
         .help = "A pooler in transaction mode, such as PgBouncer, stands before PostgreSQL: nothing is kept "
                 "on a connection, and news of other servers are asked for instead of waited for"),
    ITEM(database_mmap, .fallback = "256 MiB", .min = 0, .max = GIB(64), .restart = true,
         .help =
             "So much of SQLite's file is read where the system keeps it in memory, without a system call; "
             "0 for a disk that may fail or vanish while the server runs, such as a network's, and where "
             "far more is written than read"),
    ITEM(statement_timeout, .fallback = "30s", .min = MILLISECONDS(10), .max = HOURS(24), .restart = true,
         .help = "A statement that takes longer is cut off, and its request fails"),
    ITEM(transaction_timeout, .fallback = "10s", .min = MILLISECONDS(10), .max = HOURS(24), .restart = true,
         .help = "The same of a transaction; with SQLite nobody else writes while one lasts"),
    ITEM(slow_query, .fallback = "200ms", .min = 1, .max = HOURS(24), .restart = true,
         .help = "A statement that takes longer is logged, with the plugin's name"),

    ITEM(secret_key, .section = "Secrets", .fallback = "\"\"", .wrong = keyring_wrong, .restart = true,
         .aliases = "SECRET_KEY",
         .help =
             "The key that stored secrets are sealed with, 44 characters; or several with commas between, "
             "the newest first: it seals, the others still open. Back them up. Empty: those in `secret.key` "
             "of the data directory, which is made when it is missing"),

    ITEM(plugin_dirs, .section = "Plugins", .fallback = "[]", .pattern = "directory", .restart = true,
         .example = "[\"/usr/lib/dowel/plugins\", \"/srv/dowel/plugins\"]",
         .help =
             "Where the files of plugins are, NAME.so; of two with one name the first is taken. Empty: "
             "`lib/dowel/plugins` beside the directory of the program, then `plugins` in the data directory"),
    ITEM(probe_timeout, .fallback = "10s", .min = MILLISECONDS(100), .max = MINUTES(10), .restart = true,
         .help =
             "A plugin's file that is new is first opened in a process of its own; it must come back within "
             "this time"),

    ITEM(log_level, .section = "Logging", .fallback = "info", .one_of = "debug info warn error",
         .aliases = "LOG_LEVEL", .help = "Lines below this level are not written"),
    ITEM(log_format, .fallback = "auto", .one_of = "auto text json",
         .help = "`json`: an object a line; `text`: for people; `auto`: text on a terminal, else json"),

    ITEM(client_ca_file, .section = "Outbound requests", .fallback = "\"\"", .pattern = "file",
         .restart = true, .example = "/etc/dowel/tls/company-ca.pem",
         .help = "Certificate authorities that peers are checked against, PEM; empty: the system's"),
    ITEM(client_proxy, .fallback = "\"\"", .pattern = "proxy", .restart = true,
         .example = "http://proxy.example:3128",
         .help = "Outbound requests go through this proxy; empty: straight"),
    ITEM(
        client_allow, .fallback = "[]", .pattern = "network", .wrong = client_allow_wrong, .restart = true,
        .example = "[\"10.20.0.0/16\"]",
        .help =
            "Private networks that outbound requests may reach; without it they reach public addresses only"),
    { .name = NULL },
};

/* ---- what texts mean ---- */

bool core_database_is_postgres(struct str url)
{
    return str_starts_with(url, STR_OF("postgres://")) || str_starts_with(url, STR_OF("postgresql://"));
}

static bool cut_prefix(struct str *text, struct str prefix)
{
    if (!str_starts_with(*text, prefix))
        return false;
    text->p += prefix.n;
    text->n -= prefix.n;
    return true;
}

static const char *parse_unix(struct str path, struct core_listener *out)
{
    if (path.n == 0)
        return "has no path: unix:/run/dowel/http.sock";
    if (path.n >= sizeof(((struct sockaddr_un *)0)->sun_path))
        return "has a path of more than 107 bytes, the most that a Unix socket can have";
    out->path = path.p;
    return NULL;
}

const char *core_listener_parse(struct str text, struct core_listener *out)
{
    uint64_t port;

    *out = (struct core_listener){ .text = text.p };
    if (cut_prefix(&text, STR_OF("unix:")))
        return parse_unix(text, out);
    if (cut_prefix(&text, STR_OF("https://")))
        out->tls = true;
    else
        cut_prefix(&text, STR_OF("http://"));
    const char *colon = text.p ? memrchr(text.p, ':', text.n) : NULL;
    if (!colon)
        return "has no port; write ADDR:PORT, https://ADDR:PORT or unix:PATH";
    struct str host = str_make(text.p, (size_t)(colon - text.p));
    if (!str_to_uint(str_make(colon + 1, text.n - host.n - 1), 65535, &port))
        return "has no port between 0 and 65535 at its end";
    if (host.n && host.p[0] != '[' && str_find(host, ':') < host.n)
        return "is an IPv6 address without brackets; write [::1]:8000";
    if (address_parse(host, &out->address) != 0)
        return "has no IP address before its port; write 127.0.0.1 for this machine, 0.0.0.0 for all its "
               "addresses";
    out->port = (uint16_t)port;
    return NULL;
}

const char *core_rate_parse(struct str text, uint32_t *requests, int64_t *window_us)
{
    uint64_t number;
    size_t slash = str_find(text, '/');

    *requests = 0;
    *window_us = 0;
    if (text.n == 0 || str_equal(text, STR_OF("off")))
        return NULL;
    if (slash == text.n || !str_to_uint(str_make(text.p, slash), RATE_MAX, &number) || number == 0)
        return "is not a rate like 100/1m, nor off";
    if (units_parse_span(str_make(text.p + slash + 1, text.n - slash - 1), window_us))
        return "has no duration behind the slash; write 100/1m or 10/1s";
    if (*window_us < CLOCK_MS || *window_us > HOURS(24))
        return "must count over a time between 1ms and 24h";
    *requests = (uint32_t)number;
    return NULL;
}

static void work_out_listeners(struct core_config *c, struct config_check *check)
{
    struct core_listener *listeners =
        arena_calloc(config_check_arena(check), (c->listen.n + 1) * sizeof(*listeners));

    if (!listeners) {
        config_check_out_of_memory(check);
        return;
    }
    for (size_t i = 0; i < c->listen.n; i++)
        core_listener_parse(str_from(c->listen.v[i]), &listeners[i]);
    c->listeners = listeners;
    c->listeners_n = c->listen.n;
}

static struct core_networks work_out_networks(struct config_texts texts, struct config_check *check)
{
    struct network *networks = arena_calloc(config_check_arena(check), (texts.n + 1) * sizeof(*networks));

    if (!networks) {
        config_check_out_of_memory(check);
        return (struct core_networks){ NULL, 0 };
    }
    for (size_t i = 0; i < texts.n; i++)
        network_parse(str_from(texts.v[i]), &networks[i]);
    return (struct core_networks){ networks, texts.n };
}

/* ---- items together ---- */

static bool same_place(const struct core_listener *a, const struct core_listener *b)
{
    if (a->path || b->path)
        return a->path && b->path && strcmp(a->path, b->path) == 0;
    return a->port && a->port == b->port && address_equal(&a->address, &b->address);
}

static void check_listeners(const struct core_config *c, struct config_check *check)
{
    for (size_t i = 0; i < c->listeners_n; i++) {
        for (size_t k = 0; k < i; k++) {
            if (same_place(&c->listeners[i], &c->listeners[k]))
                config_check_wrong(check, "listen", "remove one of the two", "%s stands twice",
                                   c->listen.v[i]);
        }
    }
}

static bool has_tls_listener(const struct core_config *c)
{
    for (size_t i = 0; i < c->listeners_n; i++) {
        if (c->listeners[i].tls)
            return true;
    }
    return false;
}

static void check_tls(const struct core_config *c, struct config_check *check)
{
    bool certificate = c->tls_certificate[0], key = c->tls_key[0];
    struct stat st;

    if (certificate && !key)
        config_check_wrong(check, "tls_certificate tls_key",
                           "set it to the file of the certificate's private key", "needs tls_key");
    if (key && !certificate)
        config_check_wrong(check, "tls_key tls_certificate", "set it to the file of the certificate chain",
                           "needs tls_certificate");
    if (has_tls_listener(c) && !certificate && !key)
        config_check_wrong(check, "listen tls_certificate tls_key", "set tls_certificate and tls_key",
                           "has an https:// entry but there is no certificate");
    if (!has_tls_listener(c) && certificate && key)
        config_check_warn(check, "tls_certificate listen", "write https://ADDR:PORT",
                          "is not used: no entry of listen begins with https://");
    if (key && stat(c->tls_key, &st) == 0 && (st.st_mode & S_IROTH))
        config_check_warn(check, "tls_key", "take the right away: chmod o-r",
                          "names a file that everyone may read");
}

static void check_database(const struct core_config *c, struct config_check *check)
{
    if (c->database_pooler && !core_database_is_postgres(str_from(c->database_url.hidden)))
        config_check_warn(check, "database_pooler database_url", "remove it",
                          "is not used: the database is not PostgreSQL");
}

static void check_together(void *values, struct config_check *check)
{
    struct core_config *c = values;

    work_out_listeners(c, check);
    c->trusted_networks = work_out_networks(c->trusted_proxies, check);
    c->metrics_networks = work_out_networks(c->metrics_allow, check);
    c->client_networks = work_out_networks(c->client_allow, check);
    core_rate_parse(str_from(c->rate_limit), &c->rate_requests, &c->rate_window_us);

    check_listeners(c, check);
    check_tls(c, check);
    check_database(c, check);
    if (c->rate_burst && !c->rate_requests)
        config_check_warn(check, "rate_burst rate_limit", "set rate_limit, for example to 100/1m",
                          "is not used: rate_limit is off");
}

const struct config_table core_config_table = {
    .name = "core",
    .summary = "The server itself",
    .items = items,
    .size = sizeof(struct core_config),
    .always = true,
    .check = check_together,
};
