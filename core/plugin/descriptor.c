#include "plugin/descriptor.h"

#include "config/units.h"
#include "events/pattern.h"
#include "plugin/command_check.h"
#include "plugin/descriptor_read.h"
#include "plugin/order.h"

/* Beyond these a number is taken for a mistake, not for a wish. */
enum { SELF_MAX = 1 << 30, ASSETS_SIZE_MAX = 256 << 20, JOB_ATTEMPTS_MAX = 100, JOB_PARALLEL_MAX = 256 };

/* What a plugin of ABI minor 1 has at least; later members may be missing, and are zero then. */
enum {
    HEAD_SIZE = END_OF(dw_plugin, need_minor),
    PLUGIN_SIZE = END_OF(dw_plugin, fini),
    SIZES_SIZE = END_OF(dw_sizes, service)
};

/* ---- arrays ---- */

static const struct reader_kind kinds[] = {
    { "asset", sizeof(dw_asset), END_OF(dw_asset, size), offsetof(dw_asset, path), NULL, 400, 0, false },
    { "operation", sizeof(dw_operation), END_OF(dw_operation, handler), offsetof(dw_operation, id), NULL, 100,
      offsetof(dw_operation, handler), false },
    { "route", sizeof(dw_route), END_OF(dw_route, handler), offsetof(dw_route, path), NULL, 400,
      offsetof(dw_route, handler), true },
    { "question", sizeof(dw_question), END_OF(dw_question, silence), offsetof(dw_question, name), ".", 100, 0,
      false },
    { "hook", sizeof(dw_hook), END_OF(dw_hook, priority), offsetof(dw_hook, name), ".", 100,
      offsetof(dw_hook, answer), true },
    { "service", sizeof(dw_service), END_OF(dw_service, serve), offsetof(dw_service, name), "./", 100,
      offsetof(dw_service, serve), false },
    { "job", sizeof(dw_job_kind), END_OF(dw_job_kind, parallel), offsetof(dw_job_kind, name), "", 64,
      offsetof(dw_job_kind, run), false },
    { "schedule", sizeof(dw_schedule), END_OF(dw_schedule, jitter), offsetof(dw_schedule, name), "", 64, 0,
      false },
    { "subscription", sizeof(dw_subscription), END_OF(dw_subscription, handle),
      offsetof(dw_subscription, event), ".*", EVENT_NAME_MAX, offsetof(dw_subscription, handle), false },
    { "inbox", sizeof(dw_inbox), END_OF(dw_inbox, handle), offsetof(dw_inbox, name), "", 64,
      offsetof(dw_inbox, handle), false },
    { "command", sizeof(dw_command), END_OF(dw_command, run), offsetof(dw_command, name), NULL,
      COMMAND_NAME_MAX, offsetof(dw_command, run), false },
    { "argument", sizeof(dw_argument), END_OF(dw_argument, required), offsetof(dw_argument, name), NULL,
      COMMAND_NAME_MAX, 0, false },
};

enum {
    ASSET,
    OPERATION,
    ROUTE,
    QUESTION,
    HOOK,
    SERVICE,
    JOB,
    SCHEDULE,
    SUBSCRIPTION,
    INBOX,
    COMMAND,
    ARGUMENT
};

static int take_items(const struct reader *r, const dw_plugin *p, const dw_sizes *sizes)
{
    struct plugin_descriptor *d = r->d;

    d->conf_size = p->conf.struct_bytes;
    d->items = reader_items(r, &p->conf, sizes->item, &d->items_n);
    return d->items ? 0 : -1;
}

/* ---- the other arrays ---- */

static int check_assets(const struct reader *r)
{
    size_t sum = 0;

    for (size_t i = 0; i < r->d->assets_n; i++) {
        const dw_asset *a = &r->d->assets[i];
        if (a->size > 0 && !a->data)
            return reader_refuse(r, "the asset %s has no bytes", a->path);
        if (a->size > ASSETS_SIZE_MAX || (sum += a->size) > ASSETS_SIZE_MAX)
            return reader_refuse(r, "its assets have more than 256 MiB, up to %s", a->path);
    }
    return 0;
}

static int check_routes(const struct reader *r)
{
    for (size_t i = 0; i < r->d->routes_n; i++) {
        const dw_route *route = &r->d->routes[i];
        const char *method = route->method, *permission = route->permission;
        if (reader_text(r, &method, 20, "method of the route", route->path) != 0 ||
            reader_text(r, &permission, 100, "permission of the route", route->path) != 0)
            return -1;
    }
    return 0;
}

static int check_jobs(const struct reader *r)
{
    for (size_t i = 0; i < r->d->jobs_n; i++) {
        const dw_job_kind *k = &r->d->jobs[i];
        const char *timeout = k->timeout;
        int64_t us = 0;
        if (reader_text(r, &timeout, 20, "timeout of the job", k->name) != 0)
            return -1;
        const char *wrong = *timeout ? units_parse_span(str_from(timeout), &us) : NULL;
        if (wrong || (*timeout && us <= 0))
            return reader_refuse(r, "the job %s has the timeout \"%s\": %s", k->name, timeout,
                                 wrong ? wrong : "it is none");
        if (k->attempts > JOB_ATTEMPTS_MAX || k->parallel > JOB_PARALLEL_MAX)
            return reader_refuse(r, "the job %s wants %u attempts and %u at a time; %d and %d are the most",
                                 k->name, (unsigned)k->attempts, (unsigned)k->parallel, JOB_ATTEMPTS_MAX,
                                 JOB_PARALLEL_MAX);
    }
    return 0;
}

static bool has_job(const struct plugin_descriptor *d, const char *name)
{
    for (size_t i = 0; i < d->jobs_n; i++) {
        if (strcmp(d->jobs[i].name, name) == 0)
            return true;
    }
    return false;
}

/* When that is, whoever carries it out reads: it may stand in the settings. */
static int check_schedules(const struct reader *r)
{
    for (size_t i = 0; i < r->d->schedules_n; i++) {
        const dw_schedule *s = &r->d->schedules[i];
        const char *texts[] = { s->job, s->when, s->zone, s->misfire, s->overlap, s->jitter };
        for (size_t k = 0; k < DW_COUNT_OF(texts); k++) {
            if (reader_text(r, &texts[k], READER_LINE_MAX, "a text of the schedule", s->name) != 0)
                return -1;
        }
        if (!*texts[1])
            return reader_refuse(r, "the schedule %s does not say when", s->name);
        if (!has_job(r->d, texts[0]))
            return reader_refuse(r, "the schedule %s adds the job \"%s\", which is none of its own", s->name,
                                 texts[0]);
    }
    return 0;
}

static int check_subscriptions(const struct reader *r)
{
    for (size_t i = 0; i < r->d->subscriptions_n; i++) {
        const char *event = r->d->subscriptions[i].event;
        if (!event_pattern_is_valid(str_from(event)))
            return reader_refuse(
                r,
                "it subscribes to %s, which is neither an event's name such as notes.note.created, nor the "
                "beginning of names such as notes.*, nor *",
                event);
    }
    return 0;
}

static int take_commands(const struct reader *r, const dw_plugin *p, const dw_sizes *sizes)
{
    struct plugin_descriptor *d = r->d;
    dw_command *commands = reader_array(r, &kinds[COMMAND], p->commands, sizes->command, &d->commands_n);
    size_t ignored;

    d->commands = commands;
    for (size_t i = 0; commands && i < d->commands_n; i++) {
        dw_command *one = &commands[i];
        one->arguments = reader_array(r, &kinds[ARGUMENT], one->arguments, sizes->argument, &ignored);
        if (!one->arguments) {
            buf_add_format(r->why, "; in the command \"%s\"", one->name);
            return -1;
        }
    }
    return commands ? commands_check(commands, d->commands_n, r->why) : -1;
}

static int take_lists(const struct reader *r, const dw_plugin *p, const dw_sizes *sizes)
{
    struct plugin_descriptor *d = r->d;

    if (!(d->assets = reader_array(r, &kinds[ASSET], p->assets, sizes->asset, &d->assets_n)) ||
        !(d->operations =
              reader_array(r, &kinds[OPERATION], p->operations, sizes->operation, &d->operations_n)) ||
        !(d->routes = reader_array(r, &kinds[ROUTE], p->routes, sizes->route, &d->routes_n)) ||
        !(d->questions = reader_array(r, &kinds[QUESTION], p->questions, sizes->question, &d->questions_n)) ||
        !(d->hooks = reader_array(r, &kinds[HOOK], p->hooks, sizes->hook, &d->hooks_n)) ||
        !(d->services = reader_array(r, &kinds[SERVICE], p->services, sizes->service, &d->services_n)) ||
        !(d->jobs = reader_array(r, &kinds[JOB], p->jobs, sizes->job, &d->jobs_n)) ||
        !(d->schedules = reader_array(r, &kinds[SCHEDULE], p->schedules, sizes->schedule, &d->schedules_n)) ||
        !(d->subscriptions = reader_array(r, &kinds[SUBSCRIPTION], p->subscriptions, sizes->subscription,
                                          &d->subscriptions_n)) ||
        !(d->inboxes = reader_array(r, &kinds[INBOX], p->inboxes, sizes->inbox, &d->inboxes_n)))
        return -1;
    if (check_assets(r) != 0 || check_routes(r) != 0 || check_jobs(r) != 0 || check_schedules(r) != 0 ||
        check_subscriptions(r) != 0 || take_commands(r, p, sizes) != 0)
        return -1;
    return take_items(r, p, sizes) == 0 ? reader_connectors(r, p->connectors, sizes) : -1;
}

/* ---- who it is ---- */

static int check_abi(const struct reader *r, const dw_plugin *raw)
{
    if (raw->struct_size < HEAD_SIZE || raw->struct_size > READER_STRUCT_MAX)
        return reader_refuse(r, "its descriptor has %u bytes, which cannot be; build it again with the SDK",
                             (unsigned)raw->struct_size);
    if (raw->abi_major != DW_ABI_MAJOR)
        return reader_refuse(
            r,
            "was built for plugin ABI %u, this server has %d: get it for this server, or build it "
            "again with its SDK",
            raw->abi_major, DW_ABI_MAJOR);
    if (raw->need_minor > DW_ABI_MINOR)
        return reader_refuse(
            r,
            "needs plugin ABI %u.%u, this server has %d.%d: update the server, get an older version "
            "of the plugin, or build it with DOWEL_NEED_MINOR %d",
            raw->abi_major, raw->need_minor, DW_ABI_MAJOR, DW_ABI_MINOR, DW_ABI_MINOR);
    if (raw->struct_size < PLUGIN_SIZE)
        return reader_refuse(
            r, "its descriptor has %u bytes, at least %d are needed: build it again with the SDK",
            (unsigned)raw->struct_size, (int)PLUGIN_SIZE);
    return 0;
}

/* Under these names stand the server's own settings and metrics (dowel_http_..., dowel_plugin_...): a plugin's dw_count()
 * would add to them. */
bool plugin_name_is_reserved(const char *name)
{
    static const char *const names[] = {
        "core", "client", "data", "jobs", "http", "plugin", "tls", "workers"
    };

    for (size_t i = 0; i < DW_COUNT_OF(names); i++) {
        if (strcmp(names[i], name) == 0)
            return true;
    }
    return false;
}

static int check_name(const struct reader *r)
{
    struct str name = str_from(r->d->name);

    /* Two underscores are the border between plugin and item in variables. */
    if (!reader_is_word(name, "") || memmem(name.p, name.n, "__", 2))
        return reader_refuse(
            r,
            "its name is not of the form [a-z][a-z0-9_]*, at most %d characters and no two _ "
            "together: %s",
            PLUGIN_NAME_MAX, name.n ? name.p : "it has none");
    if (plugin_name_is_reserved(r->d->name))
        return reader_refuse(r, "is called %s, which is a name of the server's own; call it something else",
                             r->d->name);
    return 0;
}

static int check_needs(const struct reader *r, const char *which, const char *text)
{
    struct order_need needs[ORDER_NEEDS_MAX];
    struct buf why = BUF_INIT;
    int n = order_parse(text, needs, &why);

    if (n < 0)
        reader_refuse(r, "its list of %s is wrong: %s", which, buf_text(&why));
    buf_finish(&why);
    return n < 0 ? -1 : 0;
}

static int take_texts(const struct reader *r, const dw_plugin *p)
{
    struct plugin_descriptor *d = r->d;
    struct version version;

    d->name = p->name;
    d->version = p->version;
    d->summary = p->summary;
    d->license = p->license;
    d->needs = p->needs;
    d->wants = p->wants;
    if (reader_text(r, &d->name, PLUGIN_NAME_MAX, "the name", "") != 0 ||
        reader_text(r, &d->version, 64, "the version", "") != 0 ||
        reader_text(r, &d->summary, READER_LINE_MAX, "the summary", "") != 0 ||
        reader_text(r, &d->license, READER_LINE_MAX, "the license", "") != 0 ||
        reader_text(r, &d->needs, READER_TEXT_MAX, "the list of needs", "") != 0 ||
        reader_text(r, &d->wants, READER_TEXT_MAX, "the list of wants", "") != 0 || check_name(r) != 0)
        return -1;
    if (version_parse(str_from(d->version), &version) != 0)
        return reader_refuse(r, "its version is not of the form 1.2.0 or 1.2.0-rc1: \"%s\"", d->version);
    return check_needs(r, "needs", d->needs) == 0 ? check_needs(r, "wants", d->wants) : -1;
}

static int take_callbacks(const struct reader *r, const dw_plugin *p)
{
    struct plugin_descriptor *d = r->d;

    if (p->self_size > SELF_MAX)
        return reader_refuse(r, "wants %zu bytes of state, at most %d are given", p->self_size, SELF_MAX);
    d->self_size = p->self_size;
    d->init = p->init;
    d->start = p->start;
    d->check = p->check;
    d->stop = p->stop;
    d->fini = p->fini;
    return 0;
}

/* With the prefix a browser keeps it to this host and to TLS. */
static bool is_cookie_name(const char *name)
{
    static const char prefix[] = "__Host-";
    size_t n = strnlen(name, 65);

    return n > sizeof(prefix) - 1 && n <= 64 && strncmp(name, prefix, sizeof(prefix) - 1) == 0 &&
           strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-") == n;
}

/* Of an older SDK it may be shorter, never of less than its first functions. */
static int take_authenticator(const struct reader *r, const dw_plugin *p)
{
    enum { LEAST = offsetof(dw_authenticator, tenants) };
    const dw_authenticator *from = p->authenticator;

    if (!from)
        return 0;
    if (from->struct_size < LEAST || from->struct_size > READER_STRUCT_MAX)
        return reader_refuse(
            r, "its authenticator has %u bytes, which cannot be: make it with DW_AUTHENTICATOR()",
            (unsigned)from->struct_size);
    dw_authenticator *to = arena_calloc(r->arena, sizeof(*to));
    if (!to)
        return reader_refuse(r, "cannot be read: out of memory");
    memcpy(to, from, from->struct_size < sizeof(*to) ? from->struct_size : sizeof(*to));
    r->d->authenticator = to;
    if (!to->authenticate)
        return reader_refuse(r, "its authenticator has no function authenticate");
    if (to->cookie && !is_cookie_name(to->cookie))
        return reader_refuse(r, "its authenticator's cookie is no name of one; call it __Host-NAME");
    return 0;
}

static int check_sizes(const struct reader *r, const dw_plugin *p)
{
    if (!p->sizes || !p->host)
        return reader_refuse(r, "its descriptor was not made by DOWEL_PLUGIN(): sizes or host is missing");
    if (p->sizes_size < SIZES_SIZE || p->sizes_size > READER_STRUCT_MAX)
        return reader_refuse(
            r, "its table of sizes has %u bytes, at least %d are needed: build it with DOWEL_PLUGIN()",
            p->sizes_size, (int)SIZES_SIZE);
    return 0;
}

int descriptor_read(struct plugin_descriptor **out, const dw_plugin *raw, struct arena *arena,
                    struct buf *why)
{
    struct reader r = { arena, why, arena_calloc(arena, sizeof(**out)) };
    dw_plugin p = { 0 };
    dw_sizes sizes = { 0 };

    *out = NULL;
    if (!r.d)
        return reader_refuse(&r, "cannot be read: out of memory");
    if (check_abi(&r, raw) != 0)
        return -1;
    memcpy(&p, raw, raw->struct_size < sizeof(p) ? raw->struct_size : sizeof(p));
    r.d->raw = raw;
    r.d->abi_major = p.abi_major;
    r.d->abi_minor = p.abi_minor;
    r.d->need_minor = p.need_minor;
    if (check_sizes(&r, &p) != 0)
        return -1;
    memcpy(&sizes, p.sizes, p.sizes_size < sizeof(sizes) ? p.sizes_size : sizeof(sizes));
    if (take_texts(&r, &p) != 0 || take_callbacks(&r, &p) != 0 || take_lists(&r, &p, &sizes) != 0 ||
        take_authenticator(&r, &p) != 0)
        return -1;
    *out = r.d;
    return 0;
}

int descriptor_check_name(const struct plugin_descriptor *d, const char *file_name, struct buf *why)
{
    if (strcmp(d->name, file_name) == 0)
        return 0;
    buf_add_format(why, "holds the plugin %s; call the file %s.so", d->name, d->name);
    return -1;
}

const dw_asset *descriptor_asset(const struct plugin_descriptor *d, const char *path)
{
    for (size_t i = 0; i < d->assets_n; i++) {
        if (strcmp(d->assets[i].path, path) == 0)
            return &d->assets[i];
    }
    return NULL;
}
