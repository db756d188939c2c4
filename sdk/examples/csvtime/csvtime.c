/* csvtime - a connector: bookings of time from a folder of CSV files, a line each: id;ticket;agent;minutes;begin;text. Whoever needs a
 * time source finds it by that role, and nobody has to know this plugin. */
#include <dowel/dowel.h>

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { COLUMNS = 6, LINE_SIZE = 8192 };

struct settings {
    const char *folder;
    bool skip_first;
};

static const dw_item settings[] = {
    DW_ITEM(struct settings, folder, .pattern = "path", .help = "The folder that holds the .csv files"),
    DW_ITEM(struct settings, skip_first, .fallback = "true",
            .help = "The first line of a file names the columns"),
    { 0 },
};

/* ---- the folder ---- */

typedef int visit_file(dw_call *c, const char *path, void *ud);

static bool is_csv(const char *name)
{
    size_t n = strlen(name);

    return n > 4 && strcmp(name + n - 4, ".csv") == 0;
}

static int cannot_read(dw_call *c, const char *path)
{
    return dw_fail(c, DW_EUNAVAILABLE, "cannot be read", "path", path, "error", strerror(errno));
}

static int each_file(dw_call *c, const char *folder, visit_file *visit, void *ud)
{
    DIR *dir = opendir(folder);
    const struct dirent *entry;
    int rc = 0;

    if (!dir)
        return cannot_read(c, folder);
    while (rc >= 0 && (errno = 0, entry = readdir(dir)) != NULL) {
        if (is_csv(entry->d_name))
            rc = visit(c, dw_format(c, "%s/%s", folder, entry->d_name), ud);
        if (rc >= 0 && dw_cancelled(c))
            rc = DW_ECANCELLED;
    }
    if (rc >= 0 && errno != 0)
        rc = cannot_read(c, folder);
    closedir(dir);
    return rc;
}

/* ---- a time source ---- */

struct listing {
    const struct settings *settings;
    const dw_entry_query *query;
    dw_found *out;
};

/* Cuts the line at its first five semicolons: what stands behind them is all text. */
static bool split(char *line, char *field[COLUMNS])
{
    line[strcspn(line, "\r\n")] = '\0';
    for (int n = 0; n < COLUMNS; n++) {
        char *end = n + 1 < COLUMNS ? strchr(line, ';') : line + strlen(line);
        if (!end)
            return false;
        field[n] = line;
        line = end + (n + 1 < COLUMNS);
        *end = '\0';
    }
    return true;
}

/* A line that cannot be read fails the whole list: what a complete one lacks counts as deleted. What is wrong with the number of minutes
 * is for a person to decide, so it goes on as it is. */
static int add_line(dw_call *c, const char *path, int64_t number, char *line, const struct listing *want)
{
    char *f[COLUMNS];
    dw_time begin;

    if (!split(line, f))
        return dw_fail(c, DW_EUPSTREAM, "a line has fewer than six columns", "file", path, "line", number);
    if (want->query->ticket && strcmp(want->query->ticket, f[1]) != 0)
        return 0;
    if (dw_time_parse(c, f[4], &begin) < 0)
        return dw_fail(c, DW_EUPSTREAM, "a line begins at no time such as 2026-11-21T08:05:00+01:00", "file",
                       path, "line", number);
    return dw_entry_add(want->out, .id = f[0], .ticket = f[1], .ticket_number = f[1], .agent_email = f[2],
                        .amount = f[3], .unit = DW_UNIT_MINUTES, .begin = begin, .text = f[5]);
}

static int list_lines(dw_call *c, FILE *file, const char *path, const struct listing *want)
{
    char line[LINE_SIZE];
    int rc = 0;

    for (int64_t number = 1; rc >= 0 && fgets(line, sizeof(line), file); number++) {
        if (!strchr(line, '\n') && !feof(file))
            return dw_fail(c, DW_EUPSTREAM, "a line is too long", "file", path, "line", number);
        if (number > 1 || !want->settings->skip_first)
            rc = add_line(c, path, number, line, want);
    }
    return rc >= 0 && ferror(file) ? cannot_read(c, path) : rc;
}

static int list_file(dw_call *c, const char *path, void *ud)
{
    FILE *file = fopen(path, "r");
    int rc;

    if (!file)
        return cannot_read(c, path);
    rc = list_lines(c, file, path, ud);
    fclose(file);
    return rc;
}

static int list_entries(dw_call *c, dw_connection *conn, const dw_entry_query *query, dw_found *out)
{
    struct listing want = { dw_connection_settings(conn), query, out };

    DW_TRY(each_file(c, want.settings->folder, list_file, &want));
    return dw_found_complete(out);
}

/* ---- can it work? ---- */

static int count_file(dw_call *c, const char *path, void *ud)
{
    int64_t *n = ud;

    (void)c;
    (void)path;
    *n += 1;
    return 0;
}

static int check(dw_call *c, dw_connection *conn, dw_checkup *out)
{
    const struct settings *s = dw_connection_settings(conn);
    int64_t files = 0;

    if (each_file(c, s->folder, count_file, &files) < 0)
        return dw_fail_at(c, "/folder",
                          "cannot be read: is it a folder, and may the server's account enter it?");
    if (files > 0)
        dw_checked(out, DW_CHECK_GOOD, "files", "the folder has files", "n", files);
    else
        dw_checked(out, DW_CHECK_WARNING, "files", "the folder has no .csv files yet");
    return 0;
}

/* ---- noticing what changes ---- */

/* Adds a file to the fingerprint, whatever the order that the folder tells them in. */
static int add_print(dw_call *c, const char *path, void *ud)
{
    uint64_t *sum = ud, hash = UINT64_C(14695981039346656037); /* FNV-1a */
    struct stat st;

    if (stat(path, &st) < 0)
        return errno == ENOENT ? 0 : cannot_read(c, path);
    const char *text = dw_format(c, "%s %lld.%09ld %lld", path, (long long)st.st_mtim.tv_sec,
                                 st.st_mtim.tv_nsec, (long long)st.st_size);
    for (; *text; text++)
        hash = (hash ^ (unsigned char)*text) * UINT64_C(1099511628211);
    *sum += hash;
    return 0;
}

/* In one transaction: it is told if and only if it is remembered. */
static int tell(dw_call *c, dw_connection *conn, const char *print)
{
    DW_TRY(dw_tx_begin(c));
    DW_TRY(dw_db_exec(c,
                      "INSERT INTO csvtime_seen (tenant_id, connection, fingerprint) VALUES (:tenant, $1, $2)"
                      " ON CONFLICT (tenant_id, connection) DO UPDATE SET fingerprint = excluded.fingerprint",
                      dw_connection_id(conn), print));
    DW_TRY(dw_connection_changed(c, conn, NULL));
    return dw_tx_commit(c);
}

static int look_at(dw_call *c, dw_connection *conn, void *ud)
{
    const struct settings *s = dw_connection_settings(conn);
    const char *print, *seen = "";
    uint64_t sum = 0;

    (void)ud;
    if (each_file(c, s->folder, add_print, &sum) < 0) { /* the other folders are looked at all the same */
        dw_warn(c, "the folder of a connection cannot be looked at", "connection", dw_connection_name(conn),
                "why", dw_error_of(c)->text);
        return 0;
    }
    print = dw_format(c, "%016llx", (unsigned long long)sum);
    DW_TRY(dw_db_find(c, DW_TO(&seen), "SELECT fingerprint FROM csvtime_seen WHERE connection = $1",
                      dw_connection_id(conn)));
    return strcmp(print, seen) == 0 ? 0 : tell(c, conn, print);
}

static int look(dw_call *c, dw_job *job)
{
    (void)job;
    return dw_connections_each(c, "csv", look_at, NULL);
}

/* ---- a connection is gone ---- */

static int forget(dw_call *c, const dw_event *event)
{
    const char *connection;

    DW_TRY(dw_json_read(c, event->data, "connection", &connection));
    return dw_db_exec(c, "DELETE FROM csvtime_seen WHERE connection = $1", connection);
}

/* ---- what there is ---- */

static const dw_connector connectors[] = {
    { .name = "csv",
      .title = "CSV folder",
      .summary = "Bookings of time from a folder of .csv files: id;ticket;agent;minutes;begin;text",
      .settings = DW_ITEMS(struct settings, settings),
      .check = check,
      .time_source = DW_ROLE(dw_time_source, .list = list_entries) },
    { 0 },
};

static const dw_job_kind jobs[] = { { .name = "look", .run = look, .timeout = "10m" }, { 0 } };
static const dw_schedule schedules[] = { { .name = "look", .job = "look", .when = "every 5m" }, { 0 } };
static const dw_subscription subscriptions[] = { { "core.connection.deleted", forget }, { 0 } };

DOWEL_PLUGIN(.name = "csvtime", .version = "1.0.0", .summary = "Bookings of time from CSV files",
             .license = "MIT", .connectors = connectors, .jobs = jobs, .schedules = schedules,
             .subscriptions = subscriptions);
