/* doctor.c - `dowel doctor`: looks at what servers have failed over, and says what to do about each. */
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/timex.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "cli/database.h"
#include "cli/settings.h"
#include "config/core_config.h"
#include "http/tls.h"
#include "supervise/lock.h"
#include "supervise/remote.h"
#include "supervise/sockets.h"
#include "util/clock.h"

enum level { LEVEL_OK, LEVEL_WARN, LEVEL_BAD, LEVELS };

enum {
    DISK_BAD_MB = 100,
    DISK_WARN_MB = 1000,
    CERTIFICATE_WARN_DAYS = 14,
    STATUS_US = 5 * CLOCK_SECOND,
    YEAR_OF_THIS_PROGRAM = 2026,
};

struct doctor {
    const struct cli *cli;
    struct cli_settings settings;
    struct config *config; /* of settings; NULL when it is wrong */
    json_t *status;        /* of the running server; NULL: none */
    struct buf out;
    size_t found[LEVELS];
};

static void add_text(struct doctor *d, enum level level, const char *check, const char *found,
                     const char *advice)
{
    static const char *const words[LEVELS] = { "ok", "warn", "BAD" };

    buf_add_format(&d->out, "%-5s %-14s %s\n", words[level], check, found);
    if (advice)
        buf_add_format(&d->out, "%20s -> %s\n", "", advice);
}

static void add_json(struct doctor *d, enum level level, const char *check, const char *found,
                     const char *advice)
{
    static const char *const words[LEVELS] = { "ok", "warning", "bad" };

    buf_add_format(&d->out, "%s{\"check\":\"%s\",\"level\":\"%s\",\"found\":", d->out.n ? "," : "", check,
                   words[level]);
    buf_add_json(&d->out, str_from(found));
    if (advice) {
        buf_add_text(&d->out, ",\"advice\":");
        buf_add_json(&d->out, str_from(advice));
    }
    buf_add_char(&d->out, '}');
}

/* advice may be NULL, and is when all is well. */
static void DW_PRINTF(5, 6)
    report(struct doctor *d, enum level level, const char *check, const char *advice, const char *format, ...)
{
    char found[1024];
    va_list args;

    va_start(args, format);
    vsnprintf(found, sizeof(found), format, args);
    va_end(args);
    d->found[level]++;
    (d->cli->json ? add_json : add_text)(d, level, check, found, advice);
}

/* ---- what is configured ---- */

static void check_configuration(struct doctor *d)
{
    struct config_problems problems;

    config_problems_init(&problems);
    cli_settings_load(&d->settings, d->cli, CLI_PLUGINS_CONFIGURED, &problems);
    d->config = d->settings.config;
    for (const struct config_problem *p = problems.first; p; p = p->next) {
        struct buf text = BUF_INIT;
        config_problem_format(&text, p);
        report(d, p->warning ? LEVEL_WARN : LEVEL_BAD, "configuration",
               p->warning ? NULL : "correct it; the server does not start with it", "%s", buf_text(&text));
        buf_finish(&text);
    }
    if (!config_problems_any(&problems))
        report(d, LEVEL_OK, "configuration", NULL, "%s has no errors", d->cli->config_dir);
    config_problems_finish(&problems);
}

static void check_certificate(struct doctor *d)
{
    const struct core_config *core = d->config ? core_config(d->config) : NULL;
    struct tls_context *tls;
    char why[512];

    if (!core || !core->tls_certificate[0])
        return;
    if (tls_context_create(&tls, core->tls_certificate, core->tls_key, why, sizeof(why)) != 0) {
        report(d, LEVEL_BAD, "certificate", "https:// addresses cannot be served without it", "%s", why);
        return;
    }
    long days = tls_context_days_left(tls);
    tls_context_destroy(tls);
    if (days < 0)
        report(d, LEVEL_BAD, "certificate", "renew it, then: dowel reload", "%s expired %ld days ago",
               core->tls_certificate, -days);
    else
        report(d, days < CERTIFICATE_WARN_DAYS ? LEVEL_WARN : LEVEL_OK, "certificate",
               days < CERTIFICATE_WARN_DAYS ? "renew it, then: dowel reload" : NULL,
               "%s is valid for %ld days", core->tls_certificate, days);
}

/* ---- the data ---- */

static void check_data(struct doctor *d)
{
    const char *dir = d->cli->data_dir;
    struct stat st;

    if (stat(dir, &st) != 0) {
        report(d, errno == ENOENT ? LEVEL_WARN : LEVEL_BAD, "data",
               errno == ENOENT ? "dowel init or dowel serve makes it; or name another one with --data"
                               : "make it accessible for this user",
               "%s: %s", dir, strerror(errno));
        return;
    }
    if (!S_ISDIR(st.st_mode) || access(dir, R_OK | W_OK | X_OK) != 0)
        report(d, LEVEL_BAD, "data", "it must be a directory that the server's user owns",
               "%s cannot be written by this user", dir);
    else if (st.st_mode & S_IRWXO)
        report(d, LEVEL_WARN, "data", "take the rights away: chmod o= on it",
               "%s is open to every user of this machine", dir);
    else
        report(d, LEVEL_OK, "data", NULL, "%s can be written", dir);
}

static void check_plugin_directory(struct doctor *d, const char *directory)
{
    struct buf found = BUF_INIT;
    struct str rest, line;

    plugin_directory_doubt(directory, &found);
    rest = buf_str(&found);
    if (rest.n == 0)
        report(d, LEVEL_OK, "plugins", NULL, "nobody else can write above %s", directory);
    while (rest.n > 0 && str_split(&rest, '\n', &line))
        report(d, LEVEL_WARN, "plugins", "or move the plugins, and name their directory in plugin_dirs",
               "%s: %.*s", directory, STR_ARG(line));
    buf_finish(&found);
}

static void check_plugins(struct doctor *d)
{
    const struct catalog *c = d->settings.catalog;

    for (size_t i = 0; c && i < c->directories_n; i++) {
        if (access(c->directories[i], F_OK) == 0)
            check_plugin_directory(d, c->directories[i]);
    }
}

static void check_disk(struct doctor *d)
{
    struct statvfs fs;

    if (statvfs(d->cli->data_dir, &fs) != 0)
        return; /* it is not there, which check_data has said */
    uint64_t free_mb = (uint64_t)fs.f_bavail * fs.f_frsize >> 20;
    enum level level = free_mb < DISK_BAD_MB ? LEVEL_BAD : free_mb < DISK_WARN_MB ? LEVEL_WARN : LEVEL_OK;
    report(d, level, "disk", level ? "make room; a full disk stops every write" : NULL,
           "%llu MB are free under %s", (unsigned long long)free_mb, d->cli->data_dir);
}

/* One that is not there is not made. */
static void check_database(struct doctor *d)
{
    const struct core_config *core = d->config ? core_config(d->config) : NULL;
    struct buf where = BUF_INIT, why = BUF_INIT;
    struct database_place place;
    struct db *db = NULL;

    if (!core)
        return;
    database_find(&place, core, d->cli->data_dir);
    database_describe(&where, &place);
    if (!database_exists(&place))
        report(d, LEVEL_OK, "database", NULL, "%s is not there yet; dowel serve makes it", buf_text(&where));
    else if (db_open(&db, &place.options, &why) != 0)
        report(d, LEVEL_BAD, "database", "the server does not start without it", "%s", buf_text(&why));
    else
        report(d, LEVEL_OK, "database", NULL, "%s can be used; whether it is whole: dowel db check",
               buf_text(&where));
    db_close(db);
    buf_finish(&where);
    buf_finish(&why);
}

/* ---- the server and its addresses ---- */

static const char *text_of(const json_t *value)
{
    const char *text = json_string_value(value);
    return text ? text : "?";
}

static void check_server(struct doctor *d)
{
    struct buf why = BUF_INIT;
    pid_t holder = data_lock_holder(d->cli->data_dir);
    enum remote_result reached = remote_call(d->cli->data_dir, "status", NULL, STATUS_US, &d->status, &why);

    if (reached == REMOTE_ANSWERED)
        report(d, LEVEL_OK, "server", NULL, "version %s runs as pid %d, %s",
               text_of(json_object_get(d->status, "version")),
               (int)json_integer_value(json_object_get(d->status, "pid")),
               text_of(json_object_get(d->status, "state")));
    else if (holder != 0 || reached == REMOTE_BROKEN)
        report(d, LEVEL_BAD, "server", "run this as the server's user, or look at the server's log",
               "one runs (pid %d) but does not answer: %s", (int)holder, buf_text(&why));
    else
        report(d, LEVEL_OK, "server", NULL, "none runs on this data");
    buf_finish(&why);
}

static bool is_served(const struct doctor *d, const char *address)
{
    const json_t *list = json_object_get(d->status, "addresses");

    for (size_t i = 0; i < json_array_size(list); i++) {
        if (strcmp(text_of(json_array_get(list, i)), address) == 0)
            return true;
    }
    return false;
}

/* Opening a Unix socket to see whether it can be would take it from whoever has it: its directory has to do. */
static void check_unix(struct doctor *d, const struct listen_spec *spec)
{
    char dir[LISTEN_PATH_SIZE];
    const char *slash = strrchr(spec->path, '/');
    size_t n = slash == spec->path ? 1 : slash ? (size_t)(slash - spec->path) : 0;

    snprintf(dir, sizeof(dir), "%.*s", n ? (int)n : 1, n ? spec->path : ".");
    bool usable = access(dir, W_OK | X_OK) == 0;
    report(d, usable ? LEVEL_OK : LEVEL_BAD, "listen",
           usable ? NULL : "make the directory for the server's user",
           usable ? "unix:%s can be made" : "unix:%s: its directory cannot be written", spec->path);
}

static void check_tcp(struct doctor *d, const struct listen_spec *spec, const char *text)
{
    struct socket_set set;
    struct buf why = BUF_INIT;

    if (socket_set_open(&set, spec, 1, &why) == 0) {
        socket_set_close(&set);
        report(d, LEVEL_OK, "listen", NULL, "%s is free", text);
    } else {
        report(d, LEVEL_BAD, "listen", NULL, "%s", buf_text(&why));
    }
    buf_finish(&why);
}

static void check_addresses(struct doctor *d)
{
    const struct core_config *core = d->config ? core_config(d->config) : NULL;
    char text[LISTEN_TEXT_SIZE];
    struct listen_spec spec;

    for (size_t i = 0; core && i < core->listeners_n; i++) {
        listen_from(&core->listeners[i], &spec);
        listen_format(&spec, spec.port, text);
        if (is_served(d, text))
            report(d, LEVEL_OK, "listen", NULL, "%s is served by ours", text);
        else if (listen_is_unix(&spec))
            check_unix(d, &spec);
        else
            check_tcp(d, &spec, text);
    }
}

/* ---- the machine ---- */

static void check_descriptors(struct doctor *d)
{
    const struct core_config *core = d->config ? core_config(d->config) : NULL;
    struct rlimit limit;

    if (!core || getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return;
    rlim_t needed = (rlim_t)core->connections_max + CLI_DESCRIPTORS_BESIDE;
    bool enough = limit.rlim_max == RLIM_INFINITY || limit.rlim_max >= needed;
    report(d, enough ? LEVEL_OK : LEVEL_WARN, "descriptors",
           enough ? NULL : "raise it (systemd: LimitNOFILE=, else: ulimit -Hn), or lower connections_max",
           "at most %llu open files, %llu wanted for connections_max", (unsigned long long)limit.rlim_max,
           (unsigned long long)needed);
}

static void check_clock(struct doctor *d)
{
    char now[CLOCK_RFC3339_SIZE];
    struct timex state = { 0 };
    time_t seconds = time(NULL);
    struct tm utc;

    clock_format_rfc3339(clock_wall_us(), now);
    if (!gmtime_r(&seconds, &utc) || utc.tm_year + 1900 < YEAR_OF_THIS_PROGRAM)
        report(d, LEVEL_BAD, "clock", "set it; tokens, certificates and schedules depend on it",
               "it says %s, which is before this program was made", now);
    else if (adjtimex(&state) == TIME_ERROR && (state.status & STA_UNSYNC))
        report(d, LEVEL_WARN, "clock",
               "let systemd-timesyncd or chrony keep it (in a container: on its host)",
               "it says %s and is kept by nobody that the kernel knows of", now);
    else
        report(d, LEVEL_OK, "clock", NULL, "it says %s and is synchronised", now);
}

static void check_time_zones(struct doctor *d)
{
    const char *dir = getenv("TZDIR") ? getenv("TZDIR") : "/usr/share/zoneinfo";
    char path[4096];

    snprintf(path, sizeof(path), "%s/Europe/Berlin", dir);
    bool there = access(path, R_OK) == 0;
    report(d, there ? LEVEL_OK : LEVEL_WARN, "time zones",
           there ? NULL : "install tzdata; without it schedules know no zone but UTC",
           there ? "%s has them" : "%s has none", dir);
}

static void check_kernel(struct doctor *d)
{
    struct open_how how = { .flags = O_RDONLY | O_CLOEXEC | O_DIRECTORY, .resolve = RESOLVE_BENEATH };
    struct utsname name;
    long fd = syscall(SYS_openat2, AT_FDCWD, ".", &how, sizeof(how));

    if (fd >= 0)
        close((int)fd);
    bool missing = fd < 0 && (errno == ENOSYS || errno == EPERM);
    if (uname(&name) != 0)
        return;
    report(d, missing ? LEVEL_WARN : LEVEL_OK, "kernel",
           missing ? "use Linux 5.6 or newer, and let the container's seccomp profile allow openat2" : NULL,
           "%s %s %s openat2", name.sysname, name.release, missing ? "lacks or forbids" : "has");
}

/* ---- the verb ---- */

static int print(struct doctor *d)
{
    struct buf text = BUF_INIT;
    bool ok = d->found[LEVEL_BAD] == 0;

    if (d->cli->json)
        buf_add_format(&text, "{\"ok\":%s,\"findings\":[%s]}\n", ok ? "true" : "false", buf_text(&d->out));
    else
        buf_add_format(&text, "%s\n%zu ok, %zu to think about, %zu bad\n", buf_text(&d->out),
                       d->found[LEVEL_OK], d->found[LEVEL_WARN], d->found[LEVEL_BAD]);
    return cli_print(&text) == CLI_OK && ok ? CLI_OK : CLI_FAILED;
}

static int run(const struct cli *c)
{
    static void (*const checks[])(struct doctor * d) = {
        check_configuration, check_certificate, check_data,       check_database,
        check_plugins,       check_disk,        check_server,     check_addresses,
        check_descriptors,   check_clock,       check_time_zones, check_kernel,
    };
    struct doctor d = { .cli = c };

    for (size_t i = 0; i < DW_COUNT_OF(checks); i++)
        checks[i](&d);
    int result = print(&d);
    buf_finish(&d.out);
    json_decref(d.status);
    cli_settings_finish(&d.settings);
    return result;
}

const struct cli_verb cli_verb_doctor = {
    .name = "doctor",
    .arguments = "",
    .summary = "Looks for what keeps a server from running well, and says what to do",
    .help =
        "Looked at are the configuration, the certificate, the data directory and its disk, the database, "
        "the\n"
        "directories of plugins, the running server, the addresses to listen on, the limit of open files, "
        "the\n"
        "clock, time zones and the kernel. Ends with 1 when something is bad; what is only to think about "
        "does not\n"
        "count. Nothing is changed.\n",
    .run = run,
};
