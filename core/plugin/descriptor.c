#include "plugin/descriptor.h"

#include <stdarg.h>
#include <stdio.h>

#include "config/units.h"
#include "events/pattern.h"
#include "plugin/command_check.h"
#include "plugin/order.h"
#include "util/compiler.h"

/* Beyond these a number is taken for a mistake, not for a wish. */
enum {
    STRUCT_MAX = 4096,
    ELEMENTS_MAX = 4096,
    CONF_MAX = 1 << 20,
    SELF_MAX = 1 << 30,
    ASSETS_SIZE_MAX = 256 << 20,
    LINE_SIZE_MAX = 200,
    TEXT_MAX = 8000,
    JOB_ATTEMPTS_MAX = 100,
    JOB_PARALLEL_MAX = 256
};

#define END_OF(T, member) (offsetof(T, member) + sizeof(((T *)0)->member))

/* What a plugin of ABI minor 1 has at least; later members may be missing, and are zero then. */
enum {
    HEAD_SIZE = END_OF(dw_plugin, need_minor),
    PLUGIN_SIZE = END_OF(dw_plugin, fini),
    SIZES_SIZE = END_OF(dw_sizes, service)
};

struct reader {
    struct arena *arena;
    struct buf *why;
    struct plugin_descriptor *d;
};

static int DW_PRINTF(2, 3) refuse(const struct reader *r, const char *format, ...)
{
    char text[700];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    buf_add_text(r->why, text);
    return -1;
}

/* ---- texts ---- */

static bool is_line(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        if ((unsigned char)s.p[i] < ' ' || s.p[i] == 0x7f)
            return false;
    }
    return str_is_utf8(s);
}

/* NULL becomes "". `what` and `whose` name it when it is refused: "help of the item", "max_length". */
static int take_text(const struct reader *r, const char **text, size_t max, const char *what,
                     const char *whose)
{
    size_t n = *text ? strnlen(*text, max + 1) : 0;
    const char *space = *whose ? " " : "";

    if (!*text)
        *text = "";
    if (n > max)
        return refuse(r, "%s%s%s in its descriptor is longer than %zu bytes", what, space, whose, max);
    if (!is_line(str_make(*text, n)))
        return refuse(r, "%s%s%s in its descriptor is not one line of UTF-8", what, space, whose);
    return 0;
}

static bool is_word(struct str s, const char *also)
{
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        if (!(c >= 'a' && c <= 'z') && !(i > 0 && ((c >= '0' && c <= '9') || c == '_')) &&
            !(c && strchr(also, c)))
            return false;
    }
    return s.n > 0;
}

/* ---- arrays ---- */

/* What the arrays have in common: elements whose size the plugin says, the name or handler in each, {0} behind the last. */
struct kind {
    const char *what;       /* "operation" */
    size_t size, least;     /* the host's element; that of ABI minor 1 */
    size_t key;             /* offset of the text that is never NULL but at the end */
    const char *characters; /* that the key may have besides letters, digits and _; NULL: any */
    size_t key_max;
    size_t function; /* offset of a function that must be there; 0: none */
    bool may_repeat;
};

static const struct kind kinds[] = {
    { "asset", sizeof(dw_asset), END_OF(dw_asset, size), offsetof(dw_asset, path), NULL, 400, 0, false },
    { "item", sizeof(dw_item), END_OF(dw_item, pattern), offsetof(dw_item, name), "", 64, 0, false },
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
    ITEM,
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

static const char *key_of(const struct kind *k, const char *element)
{
    const char *key;

    memcpy(&key, element + k->key, sizeof(key));
    return key;
}

static bool is_all_zero(const char *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (p[i])
            return false;
    }
    return true;
}

/* How many there are before the end; -1 when there is none, or one without a name. */
static int count(const struct reader *r, const struct kind *k, const char *array, size_t stride, size_t *out)
{
    size_t n = 0;

    while (n < ELEMENTS_MAX && key_of(k, array + n * stride))
        n++;
    if (n == ELEMENTS_MAX)
        return refuse(r, "its list of %ss has no end within %d entries: { 0 } must stand behind the last",
                      k->what, ELEMENTS_MAX);
    if (!is_all_zero(array + n * stride, k->least))
        return refuse(r, "entry %zu of its list of %ss has no name", n + 1, k->what);
    *out = n;
    return 0;
}

static int check_key(const struct reader *r, const struct kind *k, const char *element, size_t i)
{
    const char *key = key_of(k, element);
    void (*function)(void) = NULL;

    if (take_text(r, &key, k->key_max, "name of an entry in the list of its", k->what) != 0)
        return -1;
    if (!*key)
        return refuse(r, "entry %zu of its list of %ss has an empty name", i + 1, k->what);
    if (k->characters && !is_word(str_from(key), k->characters))
        return refuse(r, "the %s %s has a name with other characters than a-z, 0-9 and _%s%s", k->what, key,
                      *k->characters ? " and " : "", k->characters);
    if (k->function)
        memcpy(&function, element + k->function, sizeof(function));
    if (k->function && !function)
        return refuse(r, "the %s %s has no handler", k->what, key);
    return 0;
}

static int check_keys(const struct reader *r, const struct kind *k, const char *elements, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const char *element = elements + i * k->size;
        if (check_key(r, k, element, i) != 0)
            return -1;
        for (size_t j = 0; !k->may_repeat && j < i; j++) {
            if (strcmp(key_of(k, element), key_of(k, elements + j * k->size)) == 0)
                return refuse(r, "the %s %s stands twice in its descriptor", k->what, key_of(k, element));
        }
    }
    return 0;
}

static int check_stride(const struct reader *r, const struct kind *k, size_t stride)
{
    if (stride >= k->least && stride <= STRUCT_MAX && stride % sizeof(void *) == 0)
        return 0;
    return refuse(r,
                  "its %s elements have %zu bytes; a multiple of %zu from %zu to %d is right: build it again "
                  "with the SDK",
                  k->what, stride, sizeof(void *), k->least, STRUCT_MAX);
}

/* Copies of the host's size: what this host does not know is left out, what the plugin did not know yet is zero. NULL
 * when refused. */
static void *take_array(const struct reader *r, const struct kind *k, const void *array, size_t stride,
                        size_t *out_n)
{
    size_t take = stride < k->size ? stride : k->size, n = 0;

    bool is_older = !array && stride == 0; /* than this array */
    if ((!is_older && check_stride(r, k, stride) != 0) || (array && count(r, k, array, stride, &n) != 0))
        return NULL;
    char *elements = arena_calloc(r->arena, (n + 1) * k->size);
    if (!elements) {
        refuse(r, "cannot be read: out of memory");
        return NULL;
    }
    for (size_t i = 0; i < n; i++)
        memcpy(elements + i * k->size, (const char *)array + i * stride, take);
    *out_n = n;
    return check_keys(r, k, elements, n) == 0 ? elements : NULL;
}

/* ---- settings ---- */

static const struct {
    size_t size, alignment;
} item_types[] = {
    [DW_ITEM_BOOL] = { sizeof(bool), _Alignof(bool) },
    [DW_ITEM_INT] = { sizeof(int64_t), _Alignof(int64_t) },
    [DW_ITEM_REAL] = { sizeof(double), _Alignof(double) },
    [DW_ITEM_TEXT] = { sizeof(const char *), _Alignof(const char *) },
    [DW_ITEM_SPAN] = { sizeof(dw_span), _Alignof(dw_span) },
    [DW_ITEM_SECRET] = { sizeof(dw_secret), _Alignof(dw_secret) },
    [DW_ITEM_LIST] = { sizeof(dw_texts), _Alignof(dw_texts) },
};

size_t descriptor_item_size(uint32_t type)
{
    return type < DW_COUNT_OF(item_types) ? item_types[type].size : 0;
}

bool descriptor_item_fits(int64_t type, int64_t offset, int64_t conf_size)
{
    int64_t size = type > 0 && type < (int64_t)DW_COUNT_OF(item_types) ? (int64_t)item_types[type].size : 0;

    return size > 0 && conf_size <= CONF_MAX && offset >= 0 && offset <= conf_size - size &&
           offset % (int64_t)item_types[type].alignment == 0;
}

static int check_item(const struct reader *r, dw_item *it)
{
    size_t size = descriptor_item_size(it->type);

    if (size == 0)
        return refuse(r, "the item %s has type %u, which this server does not know", it->name,
                      (unsigned)it->type);
    if (it->offset > r->d->conf_size || size > r->d->conf_size - it->offset)
        return refuse(r, "the item %s lies outside of the %zu bytes of its settings", it->name,
                      r->d->conf_size);
    if (it->offset % item_types[it->type].alignment != 0)
        return refuse(r, "the item %s lies at offset %u, where nothing of its type can be", it->name,
                      (unsigned)it->offset);
    if (strcmp(it->name, "enabled") == 0 || strcmp(it->name, "required") == 0 ||
        strcmp(it->name, "allow") == 0)
        return refuse(r, "the item %s is the server's own; call it something else", it->name);
    if (it->max && it->max < it->min)
        return refuse(r, "the item %s has a minimum above its maximum", it->name);
    /* NULL means something else than "" in these three. */
    if ((it->fallback && take_text(r, &it->fallback, TEXT_MAX, "fallback of the item", it->name) != 0) ||
        (it->one_of && take_text(r, &it->one_of, TEXT_MAX, "one_of of the item", it->name) != 0) ||
        (it->pattern && take_text(r, &it->pattern, TEXT_MAX, "pattern of the item", it->name) != 0))
        return -1;
    return take_text(r, &it->help, TEXT_MAX, "help of the item", it->name);
}

static int check_overlap(const struct reader *r, const dw_item *a, const dw_item *b)
{
    if (a->offset + descriptor_item_size(a->type) <= b->offset ||
        b->offset + descriptor_item_size(b->type) <= a->offset)
        return 0;
    return refuse(r, "the items %s and %s lie in the same place", b->name, a->name);
}

static int take_items(const struct reader *r, const dw_plugin *p, const dw_sizes *sizes)
{
    dw_item *items;
    struct plugin_descriptor *d = r->d;

    d->conf_size = p->conf.struct_bytes;
    if (d->conf_size > CONF_MAX)
        return refuse(r, "says that its settings have %zu bytes, more than %d", d->conf_size, CONF_MAX);
    items = take_array(r, &kinds[ITEM], p->conf.list, sizes->item, &d->items_n);
    if (!items)
        return -1;
    for (size_t i = 0; i < d->items_n; i++) {
        if (check_item(r, &items[i]) != 0)
            return -1;
        for (size_t j = 0; j < i; j++) {
            if (check_overlap(r, &items[i], &items[j]) != 0)
                return -1;
        }
    }
    d->items = items;
    return 0;
}

/* ---- the other arrays ---- */

static int check_assets(const struct reader *r)
{
    size_t sum = 0;

    for (size_t i = 0; i < r->d->assets_n; i++) {
        const dw_asset *a = &r->d->assets[i];
        if (a->size > 0 && !a->data)
            return refuse(r, "the asset %s has no bytes", a->path);
        if (a->size > ASSETS_SIZE_MAX || (sum += a->size) > ASSETS_SIZE_MAX)
            return refuse(r, "its assets have more than 256 MiB, up to %s", a->path);
    }
    return 0;
}

static int check_routes(const struct reader *r)
{
    for (size_t i = 0; i < r->d->routes_n; i++) {
        const dw_route *route = &r->d->routes[i];
        const char *method = route->method, *permission = route->permission;
        if (take_text(r, &method, 20, "method of the route", route->path) != 0 ||
            take_text(r, &permission, 100, "permission of the route", route->path) != 0)
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
        if (take_text(r, &timeout, 20, "timeout of the job", k->name) != 0)
            return -1;
        const char *wrong = *timeout ? units_parse_span(str_from(timeout), &us) : NULL;
        if (wrong || (*timeout && us <= 0))
            return refuse(r, "the job %s has the timeout \"%s\": %s", k->name, timeout,
                          wrong ? wrong : "it is none");
        if (k->attempts > JOB_ATTEMPTS_MAX || k->parallel > JOB_PARALLEL_MAX)
            return refuse(r, "the job %s wants %u attempts and %u at a time; %d and %d are the most", k->name,
                          (unsigned)k->attempts, (unsigned)k->parallel, JOB_ATTEMPTS_MAX, JOB_PARALLEL_MAX);
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
            if (take_text(r, &texts[k], LINE_SIZE_MAX, "a text of the schedule", s->name) != 0)
                return -1;
        }
        if (!*texts[1])
            return refuse(r, "the schedule %s does not say when", s->name);
        if (!has_job(r->d, texts[0]))
            return refuse(r, "the schedule %s adds the job \"%s\", which is none of its own", s->name,
                          texts[0]);
    }
    return 0;
}

static int check_subscriptions(const struct reader *r)
{
    for (size_t i = 0; i < r->d->subscriptions_n; i++) {
        const char *event = r->d->subscriptions[i].event;
        if (!event_pattern_is_valid(str_from(event)))
            return refuse(
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
    dw_command *commands = take_array(r, &kinds[COMMAND], p->commands, sizes->command, &d->commands_n);
    size_t ignored;

    d->commands = commands;
    for (size_t i = 0; commands && i < d->commands_n; i++) {
        dw_command *one = &commands[i];
        one->arguments = take_array(r, &kinds[ARGUMENT], one->arguments, sizes->argument, &ignored);
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

    if (!(d->assets = take_array(r, &kinds[ASSET], p->assets, sizes->asset, &d->assets_n)) ||
        !(d->operations =
              take_array(r, &kinds[OPERATION], p->operations, sizes->operation, &d->operations_n)) ||
        !(d->routes = take_array(r, &kinds[ROUTE], p->routes, sizes->route, &d->routes_n)) ||
        !(d->questions = take_array(r, &kinds[QUESTION], p->questions, sizes->question, &d->questions_n)) ||
        !(d->hooks = take_array(r, &kinds[HOOK], p->hooks, sizes->hook, &d->hooks_n)) ||
        !(d->services = take_array(r, &kinds[SERVICE], p->services, sizes->service, &d->services_n)) ||
        !(d->jobs = take_array(r, &kinds[JOB], p->jobs, sizes->job, &d->jobs_n)) ||
        !(d->schedules = take_array(r, &kinds[SCHEDULE], p->schedules, sizes->schedule, &d->schedules_n)) ||
        !(d->subscriptions = take_array(r, &kinds[SUBSCRIPTION], p->subscriptions, sizes->subscription,
                                        &d->subscriptions_n)) ||
        !(d->inboxes = take_array(r, &kinds[INBOX], p->inboxes, sizes->inbox, &d->inboxes_n)))
        return -1;
    if (check_assets(r) != 0 || check_routes(r) != 0 || check_jobs(r) != 0 || check_schedules(r) != 0 ||
        check_subscriptions(r) != 0 || take_commands(r, p, sizes) != 0)
        return -1;
    return take_items(r, p, sizes);
}

/* ---- who it is ---- */

static int check_abi(const struct reader *r, const dw_plugin *raw)
{
    if (raw->struct_size < HEAD_SIZE || raw->struct_size > STRUCT_MAX)
        return refuse(r, "its descriptor has %u bytes, which cannot be; build it again with the SDK",
                      (unsigned)raw->struct_size);
    if (raw->abi_major != DW_ABI_MAJOR)
        return refuse(r,
                      "was built for plugin ABI %u, this server has %d: get it for this server, or build it "
                      "again with its SDK",
                      raw->abi_major, DW_ABI_MAJOR);
    if (raw->need_minor > DW_ABI_MINOR)
        return refuse(
            r,
            "needs plugin ABI %u.%u, this server has %d.%d: update the server, get an older version "
            "of the plugin, or build it with DOWEL_NEED_MINOR %d",
            raw->abi_major, raw->need_minor, DW_ABI_MAJOR, DW_ABI_MINOR, DW_ABI_MINOR);
    if (raw->struct_size < PLUGIN_SIZE)
        return refuse(r, "its descriptor has %u bytes, at least %d are needed: build it again with the SDK",
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
    if (!is_word(name, "") || memmem(name.p, name.n, "__", 2))
        return refuse(r,
                      "its name is not of the form [a-z][a-z0-9_]*, at most %d characters and no two _ "
                      "together: %s",
                      PLUGIN_NAME_MAX, name.n ? name.p : "it has none");
    if (plugin_name_is_reserved(r->d->name))
        return refuse(r, "is called %s, which is a name of the server's own; call it something else",
                      r->d->name);
    return 0;
}

static int check_needs(const struct reader *r, const char *which, const char *text)
{
    struct order_need needs[ORDER_NEEDS_MAX];
    struct buf why = BUF_INIT;
    int n = order_parse(text, needs, &why);

    if (n < 0)
        refuse(r, "its list of %s is wrong: %s", which, buf_text(&why));
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
    if (take_text(r, &d->name, PLUGIN_NAME_MAX, "the name", "") != 0 ||
        take_text(r, &d->version, 64, "the version", "") != 0 ||
        take_text(r, &d->summary, LINE_SIZE_MAX, "the summary", "") != 0 ||
        take_text(r, &d->license, LINE_SIZE_MAX, "the license", "") != 0 ||
        take_text(r, &d->needs, TEXT_MAX, "the list of needs", "") != 0 ||
        take_text(r, &d->wants, TEXT_MAX, "the list of wants", "") != 0 || check_name(r) != 0)
        return -1;
    if (version_parse(str_from(d->version), &version) != 0)
        return refuse(r, "its version is not of the form 1.2.0 or 1.2.0-rc1: \"%s\"", d->version);
    return check_needs(r, "needs", d->needs) == 0 ? check_needs(r, "wants", d->wants) : -1;
}

static int take_callbacks(const struct reader *r, const dw_plugin *p)
{
    struct plugin_descriptor *d = r->d;

    if (p->self_size > SELF_MAX)
        return refuse(r, "wants %zu bytes of state, at most %d are given", p->self_size, SELF_MAX);
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
    if (from->struct_size < LEAST || from->struct_size > STRUCT_MAX)
        return refuse(r, "its authenticator has %u bytes, which cannot be: make it with DW_AUTHENTICATOR()",
                      (unsigned)from->struct_size);
    dw_authenticator *to = arena_calloc(r->arena, sizeof(*to));
    if (!to)
        return refuse(r, "cannot be read: out of memory");
    memcpy(to, from, from->struct_size < sizeof(*to) ? from->struct_size : sizeof(*to));
    r->d->authenticator = to;
    if (!to->authenticate)
        return refuse(r, "its authenticator has no function authenticate");
    if (to->cookie && !is_cookie_name(to->cookie))
        return refuse(r, "its authenticator's cookie is no name of one; call it __Host-NAME");
    return 0;
}

static int check_sizes(const struct reader *r, const dw_plugin *p)
{
    if (!p->sizes || !p->host)
        return refuse(r, "its descriptor was not made by DOWEL_PLUGIN(): sizes or host is missing");
    if (p->sizes_size < SIZES_SIZE || p->sizes_size > STRUCT_MAX)
        return refuse(r,
                      "its table of sizes has %u bytes, at least %d are needed: build it with DOWEL_PLUGIN()",
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
        return refuse(&r, "cannot be read: out of memory");
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
