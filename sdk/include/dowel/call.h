/* call.h - the call: for whom a callback runs, until when, with which memory, and why its last step failed.
 *
 * Every callback gets one first and hands it to whatever it uses. It belongs to the thread that runs the callback and
 * ends when the callback returns (dw_fetch_then keeps it for the second half): an open transaction is rolled back, rows
 * are closed, upstream connections are cut, what was deferred is undone, memory is freed. Nothing obtained from a call outlives it. A call that is used on another thread, or
 * after its end, does nothing: DW_ETHREAD, logged with the plugin's name. */
#ifndef DOWEL_CALL_H
#define DOWEL_CALL_H

#include "value.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct dw_call dw_call;
typedef struct dw_instance dw_instance;
typedef struct dw_text dw_text;

/* Why the last function on this call failed. Owned by the call, overwritten by the next failure. */
typedef struct dw_err {
    uint32_t struct_size;
    int code;            /* enum dw_error */
    const char *text;    /* for people: what was tried, on what, what was found, what to do */
    const char *detail;  /* the machine's word for it: an HTTP status, a place in a text; or "" */
    dw_span retry_after; /* 0: not said */
    const char *
        said; /* the text in the language of who asks, see locales/de.json; text itself where there is no other;
                          * since minor 2 */
    const char *reason; /* one of a handful of words for machines, "OVERLAP"; or ""; since minor 2 */
} dw_err;

typedef struct dw_call_api {
    uint32_t struct_size;
    void *(*self)(dw_call *c);
    const void *(*conf)(dw_call *c);
    dw_instance *(*instance)(dw_call *c);
    dw_time (*now)(dw_call *c);
    dw_time (*deadline)(dw_call *c);
    int (*cancelled)(dw_call *c);
    int (*sleep)(dw_call *c, dw_span span);
    int (*open)(dw_instance *instance, const char *what, dw_call **out);
    void (*close)(dw_call *c);
    void *(*alloc)(dw_call *c, size_t size);
    const char *(*copy)(dw_call *c, const char *p, size_t n);
    int (*defer)(dw_call *c, void (*undo)(void *), void *ud);
    void (*scope_begin)(dw_call *c);
    void (*scope_end)(dw_call *c);
    dw_text *(*text_new)(dw_call *c);
    void (*text_add)(dw_text *t, const char *p, size_t n);
    dw_str (*text_get)(dw_text *t);
    int (*time_parse)(dw_call *c, const char *text, dw_time *out);
    const char *(*time_format)(dw_call *c, dw_time t);
    const char *(*format)(dw_call *c, const char *fmt, ...)DW_PRINTF(2, 3);
    json_t *(*json_own)(dw_call *c, json_t *json);
    int (*json_parse)(dw_call *c, dw_str text, json_t **out);
    int (*json_read)(dw_call *c, const json_t *object, dw_list pairs);
    json_t *(*json_object)(dw_call *c, dw_list pairs);
    json_t *(*json_array)(dw_call *c, dw_list values);
    int (*fail)(dw_call *c, int code, const char *pointer, dw_list text_and_pairs);
    const dw_err *(*error)(dw_call *c);
    const char *(*tenant)(dw_call *c);
    int (*as_tenant)(dw_call *c, const char *tenant, dw_call **out);
    int (*as_system)(dw_call *c, const char *reason, dw_call **out);
    int (*time_parse_in)(dw_call *c, const char *text, const char *zone, dw_time *out);
    int (*time_format_in)(dw_call *c, dw_time t, const char *zone, const char **out);
} dw_call_api;

/* What the host gives a plugin: small tables of functions, only ever appended to. NULL where this host has no such table
 * yet; ask with DW_HAS(). */
typedef struct dw_host {
    uint32_t struct_size;
    uint16_t abi_major, abi_minor;
    const dw_call_api *call;
    const struct dw_log_api *log;
    const struct dw_http_api *http;
    const struct dw_out_api *out;
    const struct dw_stream_api *stream;
    const struct dw_hook_api *hook;
    const struct dw_client_api *client;
    const struct dw_secure_api *secure;
    const struct dw_db_api *db;               /* since minor 2 */
    const struct dw_jobs_api *jobs;           /* since minor 2 */
    const struct dw_events_api *events;       /* since minor 2 */
    const struct dw_connector_api *connector; /* since minor 2 */
    const struct dw_tool_api *tool;           /* no host yet */
    const struct dw_auth_api *auth;           /* since minor 2 */
    const struct dw_command_api *command;     /* since minor 2 */
} dw_host;

/* The plugin's own copy of the host's address: hidden, defined by DOWEL_PLUGIN, set before init. */
extern DW_HIDDEN const dw_host *dw_host_;

/* DW_HAS(db, query): does this host have that slot? Only needed above DOWEL_NEED_MINOR. [any] */
#define DW_HAS(table, slot)                                                                           \
    (dw_host_->struct_size >= offsetof(dw_host, table) + sizeof(void *) && dw_host_->table != NULL && \
     dw_host_->table->struct_size >= offsetof(dw_##table##_api, slot) + sizeof(void (*)(void)) &&     \
     dw_host_->table->slot != NULL)

/* The instance's state, .self_size zeroed bytes made before init. Lives until fini; shared by all threads: lock what
 * you change after start. [call] */
static inline void *dw_self(dw_call *c) { return dw_host_->call->self(c); }

/* The configuration as it was when the call began: immutable, borrowed for the call. Never keep it in self. [call] */
static inline const void *dw_conf(dw_call *c) { return dw_host_->call->conf(c); }

/* The instance, to open calls from own threads. Lives until fini. [call] */
static inline dw_instance *dw_call_instance(dw_call *c) { return dw_host_->call->instance(c); }

/* The tenant's id, or NULL where there is none: in init and start, in calls of own threads, in what has x-tenant: none,
 * across all of them. Borrowed for the call. Since minor 2. [call] */
static inline const char *dw_tenant(dw_call *c) { return dw_host_->call->tenant(c); }

/* The same callback in one other tenant (a UUID), or, for the reason given, across all of them: *out sees their data in a
 * session of its own. It has the memory, the deadline and the thread of c, and its own error; it ends with c, with the
 * scope that it was made in (use one in a loop), and when the request is detached or waits in dw_fetch_then. DW_EDENIED
 * unless the admin wrote `allow: [system]` into the plugin's conf.d file; each use of dw_call_as_system is logged with its
 * reason: one of a handful of texts, never an id. Since minor 2. [call] */
static inline DW_MUST_CHECK int dw_call_as_tenant(dw_call *c, const char *tenant, dw_call **out)
{
    return dw_host_->call->as_tenant(c, tenant, out);
}
static inline DW_MUST_CHECK int dw_call_as_system(dw_call *c, const char *reason, dw_call **out)
{
    return dw_host_->call->as_system(c, reason, out);
}

/* Now. Use it instead of clock_gettime: tests and replays set it. [call] */
static inline dw_time dw_now(dw_call *c) { return dw_host_->call->now(c); }

/* When the call must be over. [call] */
static inline dw_time dw_deadline(dw_call *c) { return dw_host_->call->deadline(c); }

/* 0, or DW_ECANCELLED: return soon. Everything that blocks here checks it by itself; loops of your own should. [any] */
static inline int dw_cancelled(dw_call *c) { return dw_host_->call->cancelled(c); }

/* Waits; DW_ECANCELLED as soon as the call is cancelled. [call] */
static inline int dw_sleep(dw_call *c, dw_span span) { return dw_host_->call->sleep(c, span); }

/* A call for a thread of your own, without a tenant; close it on the same thread, all of them before stop returns. `what` names the work
 * in the log and in crash notes: one of a handful of texts, never an id. DW_EUNAVAILABLE once stop began, which also
 * cancels those that are open. [any] */
static inline int dw_call_open(dw_instance *instance, const char *what, dw_call **out)
{
    return dw_host_->call->open(instance, what, out);
}
static inline void dw_call_close(dw_call *c) { dw_host_->call->close(c); }

/* Memory of the call, zeroed, aligned for anything, never NULL, never freed by you. Past the call's limit it is still
 * given, but from then on whatever can fail on this call fails with DW_ENOMEM. [call] */
static inline void *dw_alloc(dw_call *c, size_t size) { return dw_host_->call->alloc(c, size); }
static inline const char *dw_copy(dw_call *c, dw_str s) { return dw_host_->call->copy(c, s.p, s.n); }

/* printf into the call's memory. [call] */
#define dw_format(c, ...) (dw_host_->call->format((c), __VA_ARGS__))

/* undo(ud) when the call ends, last one first: what makes DW_TRY safe beside malloc, fopen and foreign libraries. It is
 * called also when this returns an error, but for DW_ETHREAD. It may log, nothing else. [call] */
static inline int dw_defer(dw_call *c, void (*undo)(void *), void *ud)
{
    return dw_host_->call->defer(c, undo, ud);
}

/* Around the body of a long loop: memory, json and deferred things made since begin go at end. Nests. Nothing
 * made inside may be used after. A return in between is safe.
 * [call] */
static inline void dw_scope_begin(dw_call *c) { dw_host_->call->scope_begin(c); }
static inline void dw_scope_end(dw_call *c) { dw_host_->call->scope_end(c); }

/* Text that grows, in the memory of the call or scope it was made in; what get returns is terminated, and borrowed until
 * the next add. [call] */
static inline dw_text *dw_text_new(dw_call *c) { return dw_host_->call->text_new(c); }
static inline void dw_text_add(dw_text *t, const char *s)
{
    dw_host_->call->text_add(t, s, SIZE_MAX);
} /* NULL adds nothing */
static inline dw_str dw_text_get(dw_text *t) { return dw_host_->call->text_get(t); }

/* RFC 3339, as in "2026-11-21T08:05:00+01:00": an offset or Z must be there, DW_EINVALID without. [call] */
static inline DW_MUST_CHECK int dw_time_parse(dw_call *c, const char *text, dw_time *out)
{
    return dw_host_->call->time_parse(c, text, out);
}

/* In UTC with six digits: "2026-11-21T07:05:00.000000Z". [call] */
static inline const char *dw_time_format(dw_call *c, dw_time t) { return dw_host_->call->time_format(c, t); }

/* What a clock shows in a zone of the IANA's, "Europe/Berlin"; NULL: in UTC. To parse, the offset may be missing, and is
 * looked at where it is there: "2026-11-21T08:05:00". Where the clock is set back, the first of both; where it skips that
 * time, the instant of the change. Formatted: "2026-11-21T08:05:00.000000+01:00". DW_EINVALID. Since minor 2. [call] */
static inline DW_MUST_CHECK int dw_time_parse_in(dw_call *c, const char *text, const char *zone, dw_time *out)
{
    return dw_host_->call->time_parse_in(c, text, zone, out);
}
static inline DW_MUST_CHECK int dw_time_format_in(dw_call *c, dw_time t, const char *zone, const char **out)
{
    return dw_host_->call->time_format_in(c, t, zone, out);
}

/* Gives a reference to the call, which drops it when it ends; returns json, also NULL. [call] */
static inline json_t *dw_json_own(dw_call *c, json_t *json) { return dw_host_->call->json_own(c, json); }

/* Parses strictly (depth, size, duplicate names, NUL): owned by the call; DW_EINVALID says where. [call] */
static inline int dw_json_parse(dw_call *c, dw_str text, json_t **out)
{
    return dw_host_->call->json_parse(c, text, out);
}

/* dw_json_read(c, object, "name", &name, "count", &count): reads members by target type. Absent or null leaves the
 * target untouched; "name!" must be there; "/choices/0/delta" is a JSON pointer. object may be NULL. Borrowed from
 * object. DW_EINVALID names the member that has another type. [call] */
#define dw_json_read(c, object, ...) (dw_host_->call->json_read((c), (object), DW_LIST(__VA_ARGS__)))

/* dw_json(c, "name", name, "count", 3): an object, dw_json_list(c, 1, "two"): an array; owned by the call. Bytes become
 * base64, times RFC 3339, spans seconds, NaN and the infinities null. NULL and DW_EMISUSE for what is no value: a text that
 * is not UTF-8, a number above INT64_MAX (a dw_out writes it). [call] */
#define dw_json(c, ...)      (dw_host_->call->json_object((c), DW_LIST(__VA_ARGS__)))
#define dw_json_list(c, ...) (dw_host_->call->json_array((c), DW_LIST(__VA_ARGS__)))

/* The slot stands in parentheses because test libraries have a macro fail(). */

/* return dw_fail(c, DW_ECONFLICT, "the title is taken", "title", title): records why, "the title is taken (title: Milk)",
 * and returns the code. Who likes German better is told what locales/de.json has for the constant text. A pair "retry_after" with a span is dw_err.retry_after: when a client or a job is to try again; a
 * pair "reason" with a text is dw_err.reason, for whoever asked by a service or a connector. Both since minor 2. [call] */
#define dw_fail(c, code, ...) ((dw_host_->call->fail)((c), (code), NULL, DW_LIST(__VA_ARGS__)))

/* The same, for one member of the input: dw_fail_at(c, "/begin", "lies after its end"). Several may be recorded; the
 * callback then returns DW_EINVALID and all of them are shown. [call] */
#define dw_fail_at(c, pointer, ...) \
    ((dw_host_->call->fail)((c), DW_EINVALID, (pointer), DW_LIST(__VA_ARGS__)))

/* Why the last step on this call failed. Never NULL; borrowed until the next failure. [call] */
static inline const dw_err *dw_error_of(dw_call *c) { return dw_host_->call->error(c); }

#ifdef __cplusplus
}
#endif
#endif
