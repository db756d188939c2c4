#include "plugin/hooks.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "log/log.h"
#include "plugin/descriptor.h"
#include "supervise/activity.h"
#include "util/arena.h"

enum { HOOK_NAME_MAX = 128, SERVICE_VERSION_DIGITS = 4 };

struct plugin_hooks {
    struct arena arena;         /* names */
    struct plugin_hook **hooks; /* by name */
    size_t hooks_n, hooks_cap;
    struct plugin_service **services; /* by name */
    size_t services_n, services_cap;
};

int plugin_hooks_create(struct plugin_hooks **out)
{
    *out = calloc(1, sizeof(**out));
    if (!*out)
        return -1;
    arena_init(&(*out)->arena, NULL, 0, 0);
    return 0;
}

void plugin_hooks_destroy(struct plugin_hooks *h)
{
    if (!h)
        return;
    for (size_t i = 0; i < h->hooks_n; i++) {
        free(h->hooks[i]->answerers);
        free(h->hooks[i]->missing);
        free(h->hooks[i]);
    }
    for (size_t i = 0; i < h->services_n; i++)
        free(h->services[i]);
    free(h->hooks);
    free(h->services);
    arena_finish(&h->arena);
    free(h);
}

/* ---- finding ---- */

static int compare_hook(const void *name, const void *element)
{
    return strcmp(name, (*(struct plugin_hook *const *)element)->name);
}

static int compare_service(const void *name, const void *element)
{
    return strcmp(name, (*(struct plugin_service *const *)element)->name);
}

struct plugin_hook *plugin_hooks_find(const struct plugin_hooks *h, const char *name)
{
    struct plugin_hook **found = NULL;

    if (h->hooks_n > 0)
        found = bsearch(name, h->hooks, h->hooks_n, sizeof(struct plugin_hook *), compare_hook);
    return found ? *found : NULL;
}

const struct plugin_service *plugin_hooks_service(const struct plugin_hooks *h, const char *name)
{
    struct plugin_service **found = NULL;

    if (h->services_n > 0)
        found = bsearch(name, h->services, h->services_n, sizeof(struct plugin_service *), compare_service);
    return found ? *found : NULL;
}

const char *plugin_hook_missing(const struct plugin_hook *hook)
{
    if (hook->missing_n > 0)
        return hook->missing[0];
    for (size_t i = 0; i < hook->answerers_n; i++) {
        if (atomic_load(&hook->answerers[i].by->missing))
            return hook->answerers[i].by->name;
    }
    return NULL;
}

/* ---- what a plugin declares ---- */

static bool is_lower(char c)
{
    return c >= 'a' && c <= 'z';
}

static bool is_name_char(char c)
{
    return is_lower(c) || (c >= '0' && c <= '9') || c == '_';
}

/* "plugin.verb" or "plugin.group.verb": words that begin with a letter, at least two. */
static bool is_dotted(struct str name)
{
    size_t words = 0;
    struct str word;

    if (name.n > HOOK_NAME_MAX)
        return false;
    while (str_split(&name, '.', &word)) {
        if (word.n == 0 || !is_lower(word.p[0]))
            return false;
        for (size_t i = 0; i < word.n; i++) {
            if (!is_name_char(word.p[i]))
                return false;
        }
        words++;
    }
    return words >= 2;
}

static bool is_version(struct str s)
{
    uint64_t number;

    return s.n > 0 && s.n <= SERVICE_VERSION_DIGITS && s.p[0] != '0' && str_to_uint(s, UINT64_MAX, &number);
}

static bool is_service_name(struct str name)
{
    size_t slash = str_find(name, '/');

    return slash < name.n && is_dotted(str_make(name.p, slash)) &&
           is_version(str_make(name.p + slash + 1, name.n - slash - 1));
}

static bool is_of_plugin(const char *name, const char *plugin)
{
    size_t n = strlen(plugin);

    return strncmp(name, plugin, n) == 0 && name[n] == '.';
}

static int wrong_question(const struct plugin_hooks *h, const struct plugin_descriptor *d, size_t i,
                          struct buf *why)
{
    const dw_question *q = &d->questions[i];
    const struct plugin_hook *known;

    if (!q->name || !is_dotted(str_from(q->name))) {
        buf_add_format(why, "its question \"%s\" has no name such as \"%s.may_enter\"",
                       q->name ? q->name : "", d->name);
        return -1;
    }
    if (!is_of_plugin(q->name, d->name)) {
        buf_add_format(why, "its question %s must begin with \"%s.\", its own name", q->name, d->name);
        return -1;
    }
    if (q->silence != DW_SILENCE_ALLOWS && q->silence != DW_SILENCE_DENIES) {
        buf_add_format(why,
                       "its question %s does not say what silence means; use DW_SILENCE_ALLOWS or "
                       "DW_SILENCE_DENIES",
                       q->name);
        return -1;
    }
    known = plugin_hooks_find(h, q->name);
    if (known && known->asker) {
        buf_add_format(why, "its question %s is one of plugin %s already", q->name, known->asker->name);
        return -1;
    }
    for (size_t j = 0; j < i; j++) {
        if (strcmp(d->questions[j].name, q->name) == 0) {
            buf_add_format(why, "its question %s stands twice", q->name);
            return -1;
        }
    }
    return 0;
}

static int wrong_hook(const struct plugin_descriptor *d, size_t i, struct buf *why)
{
    const dw_hook *k = &d->hooks[i];

    if (!k->name || !is_dotted(str_from(k->name))) {
        buf_add_format(why, "it answers the hook \"%s\", which is no name such as \"door.may_enter\"",
                       k->name ? k->name : "");
        return -1;
    }
    if (!k->answer) {
        buf_add_format(why, "its answer to the hook %s has no function", k->name);
        return -1;
    }
    if (k->priority < 0 || k->priority > HOOK_PRIORITY_MAX) {
        buf_add_format(why, "its answer to the hook %s has the priority %" PRId32 "; use 0 to %d", k->name,
                       k->priority, HOOK_PRIORITY_MAX);
        return -1;
    }
    for (size_t j = 0; j < i; j++) {
        if (strcmp(d->hooks[j].name, k->name) == 0 && d->hooks[j].priority == k->priority) {
            buf_add_format(
                why, "it answers the hook %s twice at the priority %" PRId32 "; say which one comes first",
                k->name, k->priority);
            return -1;
        }
    }
    return 0;
}

static int wrong_service(const struct plugin_hooks *h, const struct plugin_descriptor *d, size_t i,
                         struct buf *why)
{
    const dw_service *s = &d->services[i];
    const struct plugin_service *known;

    if (!s->name || !is_service_name(str_from(s->name))) {
        buf_add_format(why, "its service \"%s\" has no name such as \"%s.send/1\" (plugin, verb, version)",
                       s->name ? s->name : "", d->name);
        return -1;
    }
    if (!is_of_plugin(s->name, d->name)) {
        buf_add_format(why, "its service %s must begin with \"%s.\", its own name", s->name, d->name);
        return -1;
    }
    if (!s->serve) {
        buf_add_format(why, "its service %s has no function", s->name);
        return -1;
    }
    known = plugin_hooks_service(h, s->name);
    if (known) {
        buf_add_format(why, "its service %s is offered by plugin %s already", s->name,
                       known->answerer.by->name);
        return -1;
    }
    for (size_t j = 0; j < i; j++) {
        if (strcmp(d->services[j].name, s->name) == 0) {
            buf_add_format(why, "its service %s stands twice", s->name);
            return -1;
        }
    }
    return 0;
}

static int wrong_anything(const struct plugin_hooks *h, const struct plugin_descriptor *d, struct buf *why)
{
    for (size_t i = 0; i < d->questions_n; i++) {
        if (wrong_question(h, d, i, why) != 0)
            return -1;
    }
    for (size_t i = 0; i < d->hooks_n; i++) {
        if (wrong_hook(d, i, why) != 0)
            return -1;
    }
    for (size_t i = 0; i < d->services_n; i++) {
        if (wrong_service(h, d, i, why) != 0)
            return -1;
    }
    return 0;
}

/* ---- filling ---- */

/* The array with room for an element more; NULL (and the array is as it was) when memory is out. */
static void *grown(void *array, size_t n, size_t *cap, size_t size)
{
    size_t wanted = *cap ? *cap * 2 : 4;
    void *larger;

    if (n < *cap)
        return array;
    larger = realloc(array, wanted * size);
    if (larger)
        *cap = wanted;
    return larger;
}

/* The hook of that name, made when it is mentioned first: who answers may be loaded before who asks. */
static struct plugin_hook *take_hook(struct plugin_hooks *h, const char *name)
{
    struct plugin_hook *hook = plugin_hooks_find(h, name), **room;
    size_t at = 0;

    if (hook)
        return hook;
    room = grown(h->hooks, h->hooks_n, &h->hooks_cap, sizeof(struct plugin_hook *));
    if (!room)
        return NULL;
    h->hooks = room;
    hook = calloc(1, sizeof(*hook));
    if (!hook)
        return NULL;
    hook->name = arena_copy(&h->arena, str_from(name));
    if (!hook->name) {
        free(hook);
        return NULL;
    }
    while (at < h->hooks_n && strcmp(h->hooks[at]->name, name) < 0)
        at++;
    memmove(h->hooks + at + 1, h->hooks + at, (h->hooks_n - at) * sizeof(struct plugin_hook *));
    h->hooks[at] = hook;
    h->hooks_n++;
    return hook;
}

static int name_answerer(struct plugin_hooks *h, struct answerer *a, const char *kind, const char *name)
{
    a->what = arena_format(&h->arena, "%s %s", kind, name);
    if (!a->what)
        return -1;
    a->label = activity_label(a->by->name, a->what);
    return 0;
}

static bool comes_before(const struct answerer *a, const struct answerer *b)
{
    return a->priority != b->priority ? a->priority < b->priority : strcmp(a->by->name, b->by->name) < 0;
}

static int add_answer(struct plugin_hooks *h, dw_instance *instance, const dw_hook *declared)
{
    struct plugin_hook *hook = take_hook(h, declared->name);
    struct answerer a = { .by = instance, .answer = declared->answer, .priority = declared->priority };
    struct answerer *room;
    size_t at = 0;

    if (!hook || name_answerer(h, &a, "hook", declared->name) != 0)
        return -1;
    room = grown(hook->answerers, hook->answerers_n, &hook->answerers_cap, sizeof(a));
    if (!room)
        return -1;
    hook->answerers = room;
    while (at < hook->answerers_n && comes_before(&hook->answerers[at], &a))
        at++;
    memmove(hook->answerers + at + 1, hook->answerers + at, (hook->answerers_n - at) * sizeof(a));
    hook->answerers[at] = a;
    hook->answerers_n++;
    return 0;
}

static int add_question(struct plugin_hooks *h, dw_instance *instance, const dw_question *declared)
{
    struct plugin_hook *hook = take_hook(h, declared->name);

    if (!hook)
        return -1;
    hook->asker = instance;
    hook->silence = declared->silence;
    return 0;
}

static int add_service(struct plugin_hooks *h, dw_instance *instance, const dw_service *declared)
{
    struct plugin_service *s, **room;
    size_t at = 0;

    room = grown(h->services, h->services_n, &h->services_cap, sizeof(struct plugin_service *));
    if (!room)
        return -1;
    h->services = room;
    s = calloc(1, sizeof(*s));
    if (!s)
        return -1;
    s->answerer = (struct answerer){ .by = instance, .answer = declared->serve };
    s->name = arena_copy(&h->arena, str_from(declared->name));
    if (!s->name || name_answerer(h, &s->answerer, "service", declared->name) != 0) {
        free(s);
        return -1;
    }
    while (at < h->services_n && strcmp(h->services[at]->name, s->name) < 0)
        at++;
    memmove(h->services + at + 1, h->services + at, (h->services_n - at) * sizeof(struct plugin_service *));
    h->services[at] = s;
    h->services_n++;
    return 0;
}

/* Memory ran out half-way: what was added of this plugin goes, as if it had never come. */
static void take_back(struct plugin_hooks *h, const dw_instance *instance)
{
    size_t kept = 0;

    for (size_t i = 0; i < h->hooks_n; i++) {
        struct plugin_hook *hook = h->hooks[i];
        size_t n = 0;

        if (hook->asker == instance)
            hook->asker = NULL;
        for (size_t j = 0; j < hook->answerers_n; j++) {
            if (hook->answerers[j].by != instance)
                hook->answerers[n++] = hook->answerers[j];
        }
        hook->answerers_n = n;
    }
    for (size_t i = 0; i < h->services_n; i++) {
        if (h->services[i]->answerer.by == instance)
            free(h->services[i]);
        else
            h->services[kept++] = h->services[i];
    }
    h->services_n = kept;
}

static int add_all(struct plugin_hooks *h, dw_instance *instance)
{
    const struct plugin_descriptor *d = instance->descriptor;
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < d->questions_n; i++)
        rc = add_question(h, instance, &d->questions[i]);
    for (size_t i = 0; rc == 0 && i < d->hooks_n; i++)
        rc = add_answer(h, instance, &d->hooks[i]);
    for (size_t i = 0; rc == 0 && i < d->services_n; i++)
        rc = add_service(h, instance, &d->services[i]);
    return rc;
}

int plugin_hooks_add(struct plugin_hooks *h, dw_instance *instance, struct buf *why)
{
    if (wrong_anything(h, instance->descriptor, why) != 0)
        return -1;
    if (add_all(h, instance) != 0) {
        take_back(h, instance);
        buf_add_text(why, "memory is out");
        return -1;
    }
    return 0;
}

int plugin_hooks_miss(struct plugin_hooks *h, const char *hook_name, const char *plugin)
{
    struct plugin_hook *hook = take_hook(h, hook_name);
    const char *name = hook ? arena_copy(&h->arena, str_from(plugin)) : NULL, **room;

    if (!name)
        return -1;
    room = grown(hook->missing, hook->missing_n, &hook->missing_cap, sizeof(const char *));
    if (!room)
        return -1;
    hook->missing = room;
    hook->missing[hook->missing_n++] = name;
    return 0;
}

void plugin_hooks_remove(struct plugin_hooks *h, dw_instance *instance)
{
    if (atomic_exchange(&instance->missing, true))
        return;
    for (size_t i = 0; i < h->hooks_n; i++) {
        const struct plugin_hook *hook = h->hooks[i];

        if (!hook->asker || hook->silence != DW_SILENCE_DENIES)
            continue;
        for (size_t j = 0; j < hook->answerers_n; j++) {
            if (hook->answerers[j].by == instance)
                log_warn("a hook denies everything until the plugin that answers it is back",
                         LOG_TEXT("hook", hook->name), LOG_TEXT("plugin", instance->name));
        }
    }
}
