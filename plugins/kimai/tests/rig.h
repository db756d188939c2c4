/* rig.h - the plugin, a connection, and a Kimai that answers what the test says. */
#ifndef KIMAI_TESTS_RIG_H
#define KIMAI_TESTS_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <dowel/harness.h>

#define KIMAI    "https://kimai.example/time"
#define SETTINGS "{\"base_url\":\"" KIMAI "\",\"token\":\"sesame\"}"
#define TENANT   "0190a0a0-0000-7000-8000-00000000000a"
#define ONE_PAGE "X-Page: 1\r\nX-Total-Count: 1\r\nX-Total-Pages: 1\r\nX-Per-Page: 500\r\n"

/* 2026-07-01T09:00:00Z */
#define NINE   INT64_C(1782896400000000)
#define MINUTE INT64_C(60000000)

/* A timesheet as Kimai answers it. */
#define SHEET(id, user, begin, end, seconds, tags, exported)                                                 \
    "{\"activity\":2,\"project\":3,\"user\":" #user ",\"tags\":[" tags "],\"id\":" #id ",\"begin\":\"" begin \
    "\",\"end\":\"" end "\",\"duration\":" #seconds                                                          \
    ",\"break\":0,\"description\":\"ZAM:T50|TA:6\\nPrinter\","                                               \
    "\"exported\":" exported ",\"billable\":true,\"metaFields\":[]}"
#define NINE_TO_QUARTER(id, tags, exported) \
    SHEET(id, 7, "2026-07-01T11:00:00+0200", "2026-07-01T11:15:00+0200", 900, tags, exported)

static dw_harness *h;
static const char *connection;

static int open_with(const char *settings)
{
    if (dw_harness_open(&h, .plugin = PLUGIN) != 0)
        fail_msg("%s", dw_harness_why(h));
    dw_harness_set_tenant(h, TENANT);
    dw_harness_set_now(h, (dw_time){ NINE });
    if (dw_harness_connection(h, "kimai", settings, &connection) != 0)
        fail_msg("%s", dw_harness_why(h));
    return 0;
}

static inline int open_kimai(void **state)
{
    (void)state;
    open_with(SETTINGS);
    dw_harness_upstream(h, "GET " KIMAI "/api/users/me",
                        .json = "{\"id\":7,\"username\":\"ann\",\"roles\":[]}");
    return 0;
}

static inline int close_kimai(void **state)
{
    (void)state;
    return (int)dw_harness_close(h);
}

/* The n-th request of a method, counted from 0, whose path begins so; or NULL. */
static inline const dw_harness_sent *sent(const char *method, const char *path, unsigned n)
{
    const dw_harness_sent *one;
    char url[300];

    snprintf(url, sizeof(url), KIMAI "%s", path);
    for (unsigned i = 0; (one = dw_harness_sent_to_peers(h, i)); i++)
        if (strcmp(one->method, method) == 0 && strncmp(one->url, url, strlen(url)) == 0 && n-- == 0)
            return one;
    return NULL;
}

static inline unsigned count_sent(const char *method, const char *path)
{
    unsigned n = 0;

    while (sent(method, path, n))
        n++;
    return n;
}

static inline const char *text_at(const json_t *json, const char *name)
{
    const char *text = json_string_value(json_object_get(json, name));

    return text ? text : "";
}

#define write_sheet(...) dw_harness_write(h, connection, DW_STRUCT(dw_timesheet, __VA_ARGS__))
#define list_sheets(...) dw_harness_timesheets(h, connection, DW_STRUCT(dw_timesheet_query, __VA_ARGS__))
#define list_things(listing, ...) \
    dw_harness_things(h, connection, listing, DW_STRUCT(dw_thing_query, __VA_ARGS__))
#define make_thing(listing, ...) dw_harness_make(h, connection, listing, DW_STRUCT(dw_thing, __VA_ARGS__))

static inline void assert_failed(int code, const char *reason)
{
    const dw_err *err = dw_harness_error(h);

    if (err->code != code || strcmp(err->reason, reason) != 0)
        fail_msg("failed with %d '%s': %s; expected was %d '%s'", err->code, err->reason, err->text, code,
                 reason);
}

#endif
