/* desk_rig.h - a Zammad whose every answer the test writes. */
#ifndef DESK_RIG_H
#define DESK_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dowel/harness.h>

#include <stdio.h>
#include <string.h>

#define TENANT "018f0000-0000-7000-8000-000000000001"
#define DESK   "https://desk.example/zammad"
#define API    DESK "/api/v1"
#define TOKEN  "\"base_url\":\"" DESK "/\",\"token\":\"sesame\""

/* What it knows by itself. */
#define ANN                                                                                        \
    "{\"id\":3,\"login\":\"ann@example.org\",\"email\":\"ann@example.org\",\"firstname\":\"Ann\"," \
    "\"lastname\":\"Lee\"}"
#define FIRM_TICKET                                                                                          \
    "{\"id\":50,\"number\":\"22050\",\"title\":\"Printer\",\"organization_id\":7,\"organization\":\"Firm\"," \
    "\"customer_id\":9,\"state_id\":4,\"state\":\"closed\"}"
#define ROW(id, amount)                                                                  \
    "{\"id\":" #id ",\"ticket_id\":50,\"ticket_article_id\":null,\"time_unit\":" amount  \
    ",\"type_id\":null,\"created_by_id\":3,\"created_at\":\"2026-11-20T08:11:49.315Z\"," \
    "\"updated_at\":\"2026-11-20T08:11:49Z\"}"

static dw_harness *open_desk(void)
{
    dw_harness *h;

    if (dw_harness_open(&h, .plugin = PLUGIN) != 0)
        fail_msg("%s", dw_harness_why(h));
    dw_harness_set_tenant(h, TENANT);
    dw_harness_set_now(h, (dw_time){ INT64_C(1795803723000000) }); /* 2026-11-27T18:22:03Z */
    return h;
}

static const char *connect(dw_harness *h, const char *settings)
{
    char text[1000];
    const char *id;

    snprintf(text, sizeof(text), "{%s}", settings);
    if (dw_harness_connection(h, "zammad", text, &id) != 0)
        fail_msg("%s", dw_harness_why(h));
    return id;
}

/* entries(h, id, .ticket = "50") */
#define entries(h, id, ...) dw_harness_entries((h), (id), DW_STRUCT(dw_entry_query, __VA_ARGS__))
#define things(h, id, listing, ...) \
    dw_harness_things((h), (id), (listing), DW_STRUCT(dw_thing_query, __VA_ARGS__))

/* answers(h, "GET /users/me", .json = ANN) */
#define answers(h, what, ...) assert_int_equal(dw_harness_upstream(h, at(what), __VA_ARGS__), 0)

static const char *at(const char *what)
{
    static char text[8][300];
    static unsigned n;
    char *out = text[n++ % 8];
    size_t verb = strcspn(what, " ");

    snprintf(out, sizeof(text[0]), "%.*s %s%s", (int)verb, what, API, what + verb + 1);
    return out;
}

static inline unsigned requests(dw_harness *h)
{
    unsigned n = 0;

    while (dw_harness_sent_to_peers(h, n))
        n++;
    return n;
}

/* How many requests were sent to what begins so. */
static inline unsigned requests_to(dw_harness *h, const char *what)
{
    const dw_harness_sent *sent;
    const char *wanted = at(what), *url = wanted + strcspn(wanted, " ") + 1;
    unsigned count = 0;

    for (unsigned i = 0; (sent = dw_harness_sent_to_peers(h, i)); i++)
        count += strncmp(sent->url, url, strlen(url)) == 0;
    return count;
}

static const char *text_in(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));

    return text ? text : "";
}

#endif
