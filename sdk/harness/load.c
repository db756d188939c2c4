/* load.c - a plugin from its file to its start, as the server's registry does it, but for what protects a server from
 * strangers: no check of owner and mode, no probe. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "inside.h"
#include "plugin/commands.h"
#include "plugin/detach.h"
#include "plugin/job_calls.h"
#include "plugin/listeners.h"
#include "plugin/schedules.h"
#include "plugin/settings.h"
#include "plugin/words.h"

/* A line each, and none after the last: what the test prints it into has its own end. */
static void tell(dw_harness *h, const struct config_problems *problems)
{
    config_problems_format(&h->why, problems);
    if (h->why.n > 0 && h->why.p[h->why.n - 1] == '\n')
        h->why.n--;
}

static int out_of_memory(dw_harness *h)
{
    buf_add_text(&h->why, "out of memory");
    return -1;
}

/* ---- its configuration: a folder with one file, as the loader of the configuration wants it ---- */

static int write_conf(dw_harness *h, const char *path, const char *conf)
{
    FILE *file = fopen(path, "w");
    bool wrong = !file || fprintf(file, "enabled: true\n%s", conf ? conf : "") < 0;

    if (file && fclose(file) != 0)
        wrong = true;
    if (!wrong)
        return 0;
    buf_add_format(&h->why, "cannot write %s: %s", path, strerror(errno));
    return -1;
}

static int read_conf(dw_harness *h, struct harness_plugin *p, const char *dir)
{
    const struct config_table *table = plugin_table(p->descriptor, &h->arena);
    const struct config_source source = { .dir = dir, .dir_required = true, .tables = &table, .tables_n = 1 };
    struct config_problems problems;

    if (!table)
        return out_of_memory(h);
    config_problems_init(&problems);
    int rc = config_load(&p->config, &source, &problems);
    if (rc != 0)
        tell(h, &problems);
    config_problems_finish(&problems);
    return rc;
}

static int configure(dw_harness *h, struct harness_plugin *p, const char *conf)
{
    char dir[] = "/tmp/dowel-harness-XXXXXX", path[64 + PLUGIN_NAME_MAX];
    int rc = -1;

    if (!mkdtemp(dir)) {
        buf_add_format(&h->why, "cannot make %s: %s", dir, strerror(errno));
        return -1;
    }
    snprintf(path, sizeof(path), "%s/%s.yaml", dir, p->descriptor->name);
    if (write_conf(h, path, conf) == 0)
        rc = read_conf(h, p, dir);
    unlink(path);
    rmdir(dir);
    return rc;
}

/* ---- loading ---- */

static int read_contract(dw_harness *h, struct harness_plugin *p)
{
    const dw_asset *asset = descriptor_asset(p->descriptor, "api.yaml");
    struct config_problems problems;
    char source[PLUGIN_NAME_MAX + 16];

    if (!asset)
        return 0;
    snprintf(source, sizeof(source), "%s/api.yaml", p->descriptor->name);
    config_problems_init(&problems);
    int rc = api_document_create(str_make(asset->data, asset->size), source, &problems, &p->document);
    if (rc != 0)
        tell(h, &problems);
    config_problems_finish(&problems);
    return rc;
}

static int declare(dw_harness *h, const struct harness_plugin *p)
{
    return (p->document && access_declare(h->access, p->descriptor->name, p->document) != 0)
               ? out_of_memory(h)
               : access_set_authenticator(h->access, p->instance, &h->why);
}

static int load(dw_harness *h, struct harness_plugin *p, const char *path, const char *conf)
{
    const dw_plugin *raw;

    if (library_open(&p->library, path, &h->why) != 0)
        return -1;
    size_t before = h->why.n;
    buf_add_format(&h->why, "%s: ", path); /* for what does not name the file itself */
    if (!(raw = library_plugin(p->library, &h->why)) ||
        descriptor_read(&p->descriptor, raw, &h->arena, &h->why) != 0)
        return -1;
    h->why.n = before;
    if (configure(h, p, conf) != 0)
        return -1;
    if (instance_create(&p->instance, p->descriptor, &h->process) != 0)
        return out_of_memory(h);
    instance_configure(p->instance, p->config);
    if (words_read(&p->instance->german, p->descriptor, &h->why) != 0 || read_contract(h, p) != 0 ||
        declare(h, p) != 0 || plugin_routes_create(&p->routes, p->instance, p->document, &h->why) != 0 ||
        settings_check(p->instance, &h->why) != 0 || plugin_hooks_add(h->hooks, p->instance, &h->why) != 0 ||
        connectors_add(h->connectors, p->instance, &h->why) != 0 ||
        instance_run(p->instance, INSTANCE_INIT, &h->why) != 0)
        return -1;
    p->has_init = true;
    if (harness_migrate(h, p->descriptor) != 0)
        return -1;
    return plugin_routes_mount(p->routes, h->router, &h->why);
}

int harness_load(dw_harness *h, const char *path, const char *conf)
{
    struct harness_plugin *p = arena_calloc(&h->arena, sizeof(*p));

    if (!p)
        return out_of_memory(h);
    p->next = h->plugins;
    h->plugins = p;
    size_t before = h->why.n;
    if (load(h, p, path, conf) == 0)
        return 0;
    if (h->why.n == before)
        buf_add_text(&h->why, "out of memory");
    return -1;
}

/* The list has the newest first; those that it needs start before it. */
static int start_all(dw_harness *h, struct harness_plugin *p)
{
    if (!p)
        return 0;
    if (start_all(h, p->next) != 0 || instance_run(p->instance, INSTANCE_START, &h->why) != 0)
        return -1;
    p->has_started = true;
    if (job_calls_register(p->instance, &h->why) != 0)
        return -1;
    if (listeners_register(p->instance, &h->why) != 0 || commands_register(p->instance, &h->why) != 0)
        return -1;
    return plugin_schedules_add(p->instance, &h->why);
}

int harness_start(dw_harness *h)
{
    return start_all(h, h->plugins);
}

/* ---- the way back ---- */

struct harness_left harness_left(const dw_harness *h)
{
    struct harness_left left = { 0, 0 };

    for (const struct harness_plugin *p = h->plugins; p; p = p->next) {
        left.calls += p->instance ? p->instance->calls : 0;
        left.tokens += p->instance ? detach_open(p->instance) : 0;
    }
    return left;
}

void harness_stop(dw_harness *h)
{
    struct buf ignored = BUF_INIT;

    for (struct harness_plugin *p = h->plugins; p; p = p->next) {
        if (p->has_started)
            instance_run(p->instance, INSTANCE_STOP, &ignored);
    }
    buf_finish(&ignored);
}

void harness_retire_tokens(dw_harness *h)
{
    for (struct harness_plugin *p = h->plugins; p; p = p->next) {
        if (p->instance)
            detach_stop(p->instance);
    }
}

void harness_fini(dw_harness *h)
{
    struct buf ignored = BUF_INIT;

    for (struct harness_plugin *p = h->plugins; p; p = p->next) {
        if (p->has_init)
            instance_run(p->instance, INSTANCE_FINI, &ignored);
    }
    buf_finish(&ignored);
}

void harness_unload(dw_harness *h)
{
    for (struct harness_plugin *p = h->plugins; p; p = p->next) {
        plugin_routes_destroy(p->routes);
        api_document_destroy(p->document);
        instance_destroy(p->instance);
        config_drop(p->config);
        library_forget(p->library);
    }
    for (struct harness_stand_in *s = h->stand_ins; s; s = s->next)
        instance_destroy(s->instance);
}
