/* event.c - `dowel event`: what was told, and to whom. */
#include <stdio.h>
#include <string.h>

#include "cli/note.h"
#include "cli/rows.h"
#include "cli/settings.h"
#include "events/events.h"
#include "util/clock.h"
#include "util/compiler.h"

/* ---- list ---- */

static int list(const struct cli *c, struct cli_store *s)
{
    struct event_filter filter = {
        .tenant = cli_option_value(c, "tenant", 0),
        .pattern = cli_option_value(c, "name", 0),
    };
    const char *since = cli_option_value(c, "since", 0);
    struct buf why = BUF_INIT;
    struct db_rows *rows;

    if (filter.tenant && uuid_parse(str_from(filter.tenant), NULL) != 0)
        return cli_usage(c, "--tenant %s: a tenant is a UUID", filter.tenant);
    if (filter.pattern && !event_pattern_is_valid(str_from(filter.pattern)))
        return cli_usage(c, "--name %s: say an event's name, or the beginning of names such as timesync.*",
                         filter.pattern);
    if (cli_read_limit(c, &filter.limit) != 0 ||
        (since && cli_read_since(c, since, s->now_us, &filter.since_us) != 0))
        return CLI_USAGE;
    int rc = events_query(s->session, &rows, &filter);
    return rc < 0 ? cli_store_result(s, rc, &why, NULL, NULL)
                  : cli_print_rows(c, s, rows, "events", "no events");
}

/* ---- show ---- */

static int show_found(const struct cli *c, const struct event *e)
{
    char at[CLOCK_RFC3339_SIZE];
    struct buf out = BUF_INIT;

    clock_format_rfc3339(e->at_us, at);
    if (c->json) {
        buf_add_format(&out, "{\"id\":\"%s\",\"name\":\"%s\",\"at\":\"%s\",\"tenant\":", e->id, e->name, at);
        buf_add_format(&out, e->tenant ? "\"%s\"" : "%s", e->tenant ? e->tenant : "null");
        buf_add_text(&out, ",\"principal\":");
        if (e->principal)
            buf_add_json(&out, str_from(e->principal));
        else
            buf_add_text(&out, "null");
        buf_add_format(&out, ",\"data\":%s}\n", e->data);
        return cli_print(&out);
    }
    buf_add_format(
        &out, "id         %s\nname       %s\nat         %s\ntenant     %s\nprincipal  %s\ndata       %s\n",
        e->id, e->name, at, e->tenant ? e->tenant : "none", e->principal ? e->principal : "none", e->data);
    return cli_print(&out);
}

static int show(const struct cli *c, struct cli_store *s)
{
    struct buf why = BUF_INIT;
    struct arena arena;
    struct event e;
    int result;

    arena_init(&arena, NULL, 0, 0);
    int rc = events_load(s->session, &arena, NULL, c->argv[1], &e);
    result = rc > 0 ? show_found(c, &e)
                    : cli_store_result(s, rc < 0 ? rc : DW_ENOTFOUND, &why, "event (any more)", c->argv[1]);
    arena_finish(&arena);
    return result;
}

/* ---- replay ---- */

static int replay(const struct cli *c, struct cli_store *s)
{
    const struct event_replay only = {
        .plugin = cli_option_value(c, "plugin", 0),
        .webhook = cli_option_value(c, "webhook", 0),
    };
    struct buf why = BUF_INIT, out = BUF_INIT;
    int n = cli_note_begin(s->session);

    if (n >= 0)
        n = events_replay(s->session, c->argv[1], &only, s->now_us);
    n = cli_note_end(
        s->session, n,
        &(struct cli_note){ "core.event.replayed", NULL, c->argv[1], DW_LIST("subscribers", n) });

    if (n < 0)
        return cli_store_result(s, n, &why, "event (any more)", c->argv[1]);
    if (c->json)
        buf_add_format(&out, "{\"subscribers\":%d}\n", n);
    else if (n == 0)
        buf_add_text(&out, "nobody subscribes to it\n");
    else
        buf_add_format(&out, "is told again to %d subscriber%s\n", n, n == 1 ? "" : "s");
    return cli_print(&out);
}

static int subscribers(const struct cli *c, struct cli_store *s)
{
    struct buf why = BUF_INIT;
    struct db_rows *rows;
    int rc = events_query_subscriptions(s->session, &rows);

    return rc < 0 ? cli_store_result(s, rc, &why, NULL, NULL)
                  : cli_print_rows(c, s, rows, "subscriptions", "no plugin subscribes to events");
}

/* ---- the verb ---- */

static const struct action {
    const char *name;
    int arguments;
    int (*run)(const struct cli *c, struct cli_store *s);
} actions[] = {
    { "list", 0, list },
    { "show", 1, show },
    { "replay", 1, replay },
    { "subscribers", 0, subscribers },
};

static int run_action(const struct cli *c, const struct action *a)
{
    struct cli_store store;
    int result;

    if (c->argc - 1 != a->arguments)
        return cli_usage(c, a->arguments ? "%s: say the id of one event" : "%s takes no arguments", a->name);
    result = cli_store_open(&store, c);
    if (result == CLI_OK)
        result = a->run(c, &store);
    cli_store_close(&store);
    return result;
}

static int run(const struct cli *c)
{
    if (c->argc == 0)
        return cli_usage(c, "say what to do: list, show, replay or subscribers");
    for (size_t i = 0; i < DW_COUNT_OF(actions); i++) {
        if (strcmp(c->argv[0], actions[i].name) == 0)
            return run_action(c, &actions[i]);
    }
    return cli_usage(c, "%s: event cannot do that", c->argv[0]);
}

static const struct cli_option options[] = {
    { "tenant", "UUID", "list: only those of that tenant", false },
    { "name", "PATTERN", "list: only those of that name, or whose names begin so: timesync.*", false },
    { "since", "TIME", "list: not older; 2026-11-21T08:05:00Z, or how long ago: 2h", false },
    { "limit", "N", "list: at most so many, 50 if it is not given", false },
    { "plugin", "NAME", "replay: only to that plugin", false },
    { "webhook", "ID", "replay: only to that webhook", false },
    { NULL, NULL, NULL, false },
};

const struct cli_verb cli_verb_event = {
    .name = "event",
    .arguments = "list | show ID | replay ID | subscribers",
    .summary = "Shows the events that plugins told, and tells them again",
    .help = "list         the newest first\n"
            "show ID      one of them with its data\n"
            "replay ID    tells it once more to all that subscribe to it now, under the same id: to plugins "
            "as a job,\n"
            "             to webhooks as a delivery; --plugin and --webhook choose among them\n"
            "subscribers  which plugins get which events, since when, and when a server last loaded them\n",
    .options = options,
    .run = run,
};
