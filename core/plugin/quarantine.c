#include "plugin/quarantine.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "log/log.h"
#include "util/clock.h"

/* Who holds the lock does three system calls; somebody may have stopped it meanwhile, and the supervisor cannot wait. */
enum { LOCK_ATTEMPTS = 50, LOCK_PAUSE_US = 10 * CLOCK_MS, FILE_VERSION = 1 };

struct quarantine {
    json_t *root;
    size_t n;
    struct quarantine_plugin plugins[];
};

/* ---- the file ---- */

struct place {
    char folder[PATH_MAX], path[PATH_MAX], fresh[PATH_MAX];
};

static int find_place(struct place *p, const char *data_dir)
{
    if (snprintf(p->folder, PATH_MAX, "%s/plugins", data_dir) < PATH_MAX &&
        snprintf(p->path, PATH_MAX, "%s/plugins/crashes.json", data_dir) < PATH_MAX &&
        snprintf(p->fresh, PATH_MAX, "%s/plugins/crashes.json.new", data_dir) < PATH_MAX)
        return 0;
    errno = ENAMETOOLONG;
    return -1;
}

static bool is_understood(const json_t *root)
{
    return json_integer_value(json_object_get(root, "version")) == FILE_VERSION &&
           json_is_object(json_object_get(root, "plugins"));
}

static json_t *load(const struct place *p)
{
    json_error_t error = { .text = "" };
    json_t *root =
        access(p->path, F_OK) == 0 ? json_load_file(p->path, JSON_REJECT_DUPLICATES, &error) : NULL;

    if (is_understood(root))
        return root;
    if (access(p->path, F_OK) == 0)
        log_error("the record of plugins' crashes cannot be read and begins anew", LOG_TEXT("path", p->path),
                  LOG_TEXT("why", error.text[0] ? error.text : "it has another form"));
    json_decref(root);
    return json_pack("{s:i, s:{}}", "version", FILE_VERSION, "plugins");
}

/* A file that a process left half written when it died is written over. */
static int save(const struct place *p, const json_t *root)
{
    int fd = open(p->fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);

    if (fd < 0)
        return -1;
    int result = json_dumpfd(root, fd, JSON_INDENT(2));
    if (result == 0)
        result = fsync(fd);
    if (close(fd) != 0)
        result = -1;
    if (result == 0)
        result = rename(p->fresh, p->path);
    return result;
}

/* The folder's descriptor; closing it gives the lock back. */
static int lock(const struct place *p)
{
    if (mkdir(p->folder, 0700) != 0 && errno != EEXIST)
        return -1;
    int fd = open(p->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    for (int i = 0; fd >= 0 && i < LOCK_ATTEMPTS; i++) {
        if (flock(fd, LOCK_EX | LOCK_NB) == 0)
            return fd;
        usleep(LOCK_PAUSE_US);
    }
    if (fd >= 0)
        close(fd);
    return -1;
}

/* ---- reading ---- */

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

static void take_plugin(struct quarantine_plugin *out, const char *name, const json_t *from)
{
    const json_t *since = json_object_get(from, "quarantined"), *crashes = json_object_get(from, "crashes"),
                 *crash;
    size_t all = json_array_size(crashes), i;

    out->name = name;
    out->quarantined = json_is_integer(since);
    out->since_s = json_integer_value(since);
    for (i = all > QUARANTINE_KEPT ? all - QUARANTINE_KEPT : 0; i < all; i++) {
        crash = json_array_get(crashes, i);
        out->crashes[out->n++] =
            (struct quarantine_crash){ json_integer_value(json_object_get(crash, "time")),
                                       text_of(crash, "what"), text_of(crash, "note") };
    }
}

struct quarantine *quarantine_read(const char *data_dir)
{
    struct place p;
    json_t *root = find_place(&p, data_dir) == 0 ? load(&p) : NULL;
    json_t *plugins = json_object_get(root, "plugins");
    size_t n = json_object_size(plugins);
    struct quarantine *q = calloc(1, sizeof(*q) + n * sizeof(*q->plugins));

    if (!q || !root) {
        json_decref(root);
        free(q);
        return NULL;
    }
    q->root = root;
    for (void *i = json_object_iter(plugins); i; i = json_object_iter_next(plugins, i))
        take_plugin(&q->plugins[q->n++], json_object_iter_key(i), json_object_iter_value(i));
    return q;
}

void quarantine_destroy(struct quarantine *q)
{
    if (!q)
        return;
    json_decref(q->root);
    free(q);
}

const struct quarantine_plugin *quarantine_list(const struct quarantine *q, size_t *n)
{
    *n = q ? q->n : 0;
    return q ? q->plugins : NULL;
}

const struct quarantine_plugin *quarantine_find(const struct quarantine *q, const char *name)
{
    for (size_t i = 0; q && i < q->n; i++) {
        if (strcmp(q->plugins[i].name, name) == 0)
            return &q->plugins[i];
    }
    return NULL;
}

/* ---- who is never left out ---- */

bool quarantine_is_exempt(const struct config *config, const char *name)
{
    size_t n;

    if (strcmp(name, "auth") == 0)
        return true;
    if (!config)
        return false;
    const struct config_file *files = config_unknown_files(config, &n);
    for (size_t i = 0; i < n; i++) {
        if (strcmp(files[i].name, name) == 0)
            return files[i].required;
    }
    return config_values(config, name) && config_is_required(config, name);
}

/* ---- changing ---- */

/* Clocks are set back, too: a crash of the future is not lately. */
static bool is_lately(const json_t *crash, int64_t now_s)
{
    int64_t ago_s = now_s - json_integer_value(json_object_get(crash, "time"));
    return ago_s >= 0 && ago_s <= QUARANTINE_WINDOW_S;
}

static size_t count_lately(const json_t *crashes, int64_t now_s)
{
    size_t n = 0;

    for (size_t i = 0; i < json_array_size(crashes); i++)
        n += is_lately(json_array_get(crashes, i), now_s);
    return n;
}

/* The array of the plugin's crashes, made if missing or misshapen; NULL when memory is out. */
static json_t *crashes_of(json_t *plugins, const char *name)
{
    json_t *plugin = json_object_get(plugins, name);

    if (!json_is_object(plugin) && (json_object_set_new(plugins, name, json_object()) != 0 ||
                                    !(plugin = json_object_get(plugins, name))))
        return NULL;
    if (!json_is_array(json_object_get(plugin, "crashes")))
        json_object_set_new(plugin, "crashes", json_array());
    return json_object_get(plugin, "crashes");
}

/* 1 when the plugin is quarantined by it, 0 when not, -1 when memory is out. */
static int add_crash(json_t *plugins, const char *name, const char *what, const char *note, bool exempt)
{
    int64_t now_s = time(NULL);
    json_t *crashes = crashes_of(plugins, name);

    if (json_array_append_new(crashes, json_pack("{s:I, s:s, s:s}", "time", (json_int_t)now_s, "what", what,
                                                 "note", note)) != 0)
        return -1;
    while (json_array_size(crashes) > QUARANTINE_KEPT)
        json_array_remove(crashes, 0);
    json_t *plugin = json_object_get(plugins, name);
    if (exempt || json_is_integer(json_object_get(plugin, "quarantined")) ||
        count_lately(crashes, now_s) < QUARANTINE_CRASHES)
        return 0;
    return json_object_set_new(plugin, "quarantined", json_integer(now_s)) == 0 ? 1 : -1;
}

int quarantine_record(const char *data_dir, const char *name, const char *what, const char *note, bool exempt,
                      struct buf *why)
{
    struct place p;
    int result = -1;
    int locked = find_place(&p, data_dir) == 0 ? lock(&p) : -1;
    json_t *root = locked >= 0 ? load(&p) : NULL;

    if (root)
        result = add_crash(json_object_get(root, "plugins"), name, what, note, exempt);
    if (root && result < 0)
        errno = ENOMEM;
    if (result >= 0 && save(&p, root) != 0)
        result = -1;
    if (result < 0)
        buf_add_format(why, "the crash of %s cannot be recorded in %s/plugins/crashes.json: %s", name,
                       data_dir, strerror(errno));
    json_decref(root);
    if (locked >= 0)
        close(locked);
    return result;
}

int quarantine_clear(const char *data_dir, const char *name, struct buf *why)
{
    struct place p;
    int result = -1;
    int locked = find_place(&p, data_dir) == 0 ? lock(&p) : -1;
    json_t *root = locked >= 0 ? load(&p) : NULL;

    if (root)
        result = json_object_del(json_object_get(root, "plugins"), name) == 0;
    if (result > 0 && save(&p, root) != 0)
        result = -1;
    if (result < 0)
        buf_add_format(why, "%s/plugins/crashes.json cannot be changed: %s", data_dir, strerror(errno));
    json_decref(root);
    if (locked >= 0)
        close(locked);
    return result;
}
