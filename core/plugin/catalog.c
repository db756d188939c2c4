#include "plugin/catalog.h"

#include <limits.h>
#include <stdlib.h>

#include "log/log.h"
#include "plugin/order.h"
#include "plugin/probe.h"
#include "plugin/record.h"
#include "plugin/settings.h"
#include "util/program.h"

enum { DIRECTORIES_DEFAULT = 2, PROBED_VERSION = 2 };

static const char probed_name[] = "probed.json";

/* ---- where they are ---- */

static const char *beside_program(struct arena *arena)
{
    char prefix[PATH_MAX];

    program_prefix(prefix);
    return arena_format(arena, "%s/lib/dowel/plugins", prefix);
}

static int find_directories(struct catalog *c, const struct catalog_options *o)
{
    const char **list;

    c->directories = o->core->plugin_dirs.v;
    c->directories_n = o->core->plugin_dirs.n;
    if (c->directories_n > 0)
        return 0;
    list = arena_calloc(&c->arena, DIRECTORIES_DEFAULT * sizeof(*list));
    if (!list)
        return -1;
    list[0] = beside_program(&c->arena);
    list[1] = arena_format(&c->arena, "%s/plugins", o->data_dir);
    c->directories = list;
    c->directories_n = DIRECTORIES_DEFAULT;
    return list[0] && list[1] ? 0 : -1;
}

static int find_files(struct catalog *c, struct buf *why)
{
    struct plugin_files files;

    plugin_files_find(&files, &c->arena, c->directories, c->directories_n, why);
    c->plugins = arena_calloc(&c->arena, (files.n + 1) * sizeof(*c->plugins));
    if (!files.v || !c->plugins)
        return -1;
    for (size_t i = 0; i < files.n; i++)
        c->plugins[c->n++] = (struct catalog_plugin){
            .file = files.v[i], .version = "", .summary = "", .license = "", .needs = "", .wants = ""
        };
    return 0;
}

/* ---- what is known from before ---- */

static bool is_of_this_abi(const json_t *probed)
{
    const char *abi = json_string_value(json_object_get(probed, "abi"));

    return json_integer_value(json_object_get(probed, "version")) == PROBED_VERSION && abi &&
           strcmp(abi, probe_abi()) == 0 && json_is_object(json_object_get(probed, "files"));
}

static int read_probed(struct catalog *c, const char *data_dir)
{
    c->probed = record_read(data_dir, probed_name);
    if (is_of_this_abi(c->probed))
        return 0;
    json_decref(c->probed);
    c->probed = json_pack("{s:i, s:s, s:{}}", "version", PROBED_VERSION, "abi", probe_abi(), "files");
    return c->probed ? 0 : -1;
}

static const json_t *known_from_before(const struct catalog *c, const struct catalog_plugin *p)
{
    const json_t *found = json_object_get(json_object_get(c->probed, "files"), p->file.hash);
    const char *name = json_string_value(json_object_get(found, "name"));

    /* A copy under another name has the same hash, and is another plugin's file. */
    return name && strcmp(name, p->file.name) == 0 ? found : NULL;
}

/* Only what is still there, or the file would grow with every update. A cache that cannot be written costs a probe at the
 * next start, and nothing else. */
static void write_probed(const struct catalog *c, const char *data_dir)
{
    json_t *files = json_object();
    json_t *record =
        json_pack("{s:i, s:s, s:o}", "version", PROBED_VERSION, "abi", probe_abi(), "files", files);

    for (size_t i = 0; i < c->n; i++) {
        json_t *found = json_object_get(json_object_get(c->probed, "files"), c->plugins[i].file.hash);
        if (found)
            json_object_set(files, c->plugins[i].file.hash, found);
    }
    if (record && record_write(data_dir, probed_name, record) != 0)
        log_debug("what was found out about plugins is not kept", LOG_TEXT("data", data_dir));
    json_decref(record);
}

/* ---- looking at them ---- */

static const char *text_of(const json_t *found, const char *key)
{
    const char *text = json_string_value(json_object_get(found, key));
    return text ? text : "";
}

/* False when it is not understood. */
static bool take_found(struct catalog *c, struct catalog_plugin *p, const json_t *found)
{
    struct version version;

    p->table = json_is_array(json_object_get(found, "items")) ? settings_table_found(found, &c->arena) : NULL;
    p->version = text_of(found, "version");
    if (!p->table || version_parse(str_from(p->version), &version) != 0)
        return false;
    p->found = found;
    p->summary = text_of(found, "summary");
    p->license = text_of(found, "license");
    p->needs = text_of(found, "needs");
    p->wants = text_of(found, "wants");
    return true;
}

static void check(struct catalog *c, struct catalog_plugin *p)
{
    struct buf why = BUF_INIT;

    if (plugin_file_check(&p->file, &why) != PLUGIN_FILE_GOOD) {
        p->why = arena_copy(&c->arena, buf_str(&why));
        p->why = p->why ? p->why : "out of memory";
    }
    buf_finish(&why);
}

/* The references of what was found are the cache's. */
static void take_probed(struct catalog *c, struct catalog_plugin *p, struct probe_file *file)
{
    if (file->found && !plugin_file_is_same(&p->file)) {
        json_decref(file->found);
        p->why = "was replaced while it was looked at; try again";
    } else if (!file->found) {
        p->why = file->why ? file->why : "out of memory";
    } else if (json_object_set_new(json_object_get(c->probed, "files"), p->file.hash, file->found) != 0 ||
               !take_found(c, p, file->found)) {
        p->why = "what it says about itself cannot be kept: out of memory";
    }
}

static int probe_new(struct catalog *c, const struct catalog_options *o, struct catalog_plugin **fresh,
                     size_t n)
{
    struct probe_file *files = arena_calloc(&c->arena, n * sizeof(*files));

    if (!files)
        return -1;
    for (size_t i = 0; i < n; i++)
        files[i] = (struct probe_file){ .name = fresh[i]->file.name, .path = fresh[i]->file.path };
    int result = probe_files(files, n, o->core->probe_timeout.us, &c->arena);
    for (size_t i = 0; i < n; i++)
        take_probed(c, fresh[i], &files[i]);
    write_probed(c, o->data_dir);
    return result;
}

static int look(struct catalog *c, const struct catalog_options *o)
{
    struct catalog_plugin **fresh = arena_calloc(&c->arena, (c->n + 1) * sizeof(struct catalog_plugin *));
    size_t n = 0;

    if (!fresh)
        return -1;
    for (size_t i = 0; i < c->n; i++) {
        struct catalog_plugin *p = &c->plugins[i];
        if (o->wanted && !o->wanted(p->file.name, o->wanted_ud))
            continue;
        check(c, p);
        const json_t *found = p->why ? NULL : known_from_before(c, p);
        if (!p->why && (!found || !take_found(c, p, found)))
            fresh[n++] = p;
    }
    return n > 0 ? probe_new(c, o, fresh, n) : 0;
}

int catalog_create(struct catalog **out, const struct catalog_options *options, struct buf *why)
{
    struct catalog *c = calloc(1, sizeof(*c));

    *out = NULL;
    if (!c)
        return -1;
    arena_init(&c->arena, NULL, 0, 0);
    if (find_directories(c, options) != 0 || find_files(c, why) != 0 ||
        read_probed(c, options->data_dir) != 0 || look(c, options) != 0) {
        catalog_destroy(c);
        return -1;
    }
    *out = c;
    return 0;
}

void catalog_destroy(struct catalog *c)
{
    if (!c)
        return;
    json_decref(c->probed);
    arena_finish(&c->arena);
    free(c);
}

const struct catalog_plugin *catalog_find(const struct catalog *c, const char *name)
{
    for (size_t i = 0; i < c->n; i++) {
        if (strcmp(c->plugins[i].file.name, name) == 0)
            return &c->plugins[i];
    }
    return NULL;
}

void catalog_tell_missing(const struct catalog *c, const char *name, struct buf *out)
{
    buf_add_format(out, "there is no %s.so in ", name);
    for (size_t i = 0; i < c->directories_n; i++)
        buf_add_format(out, "%s%s", i ? " or " : "", c->directories[i]);
}
