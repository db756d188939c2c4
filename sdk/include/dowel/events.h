/* events.h - facts that happened, for whoever cares, later; and webhooks that come in. Since ABI minor 2.
 *
 *   DW_TRY(dw_tx_begin(c));
 *   DW_TRY(dw_db_exec(c, "INSERT INTO notes ...", ...));
 *   DW_TRY(dw_event_emit(c, "notes.note.created", "id", id));
 *   return dw_tx_commit(c);
 *
 * Each subscriber gets an event as a job of its own, in the event's tenant: tried until it works or is given up, at least
 * once, always under the same id. Nobody waits for another, and a plugin that is missing for a day gets what it missed.
 * Events go outside, too, as the admin's webhooks. Questions that need an answer now are hooks: hook.h. */
#ifndef DOWEL_EVENTS_H
#define DOWEL_EVENTS_H

#include "call.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Borrowed for the call. */
typedef struct dw_event {
    uint32_t struct_size;
    const char *id;     /* a UUID, the same on each delivery: remember it, or be idempotent */
    const char *name;   /* "notes.note.created" */
    dw_time at;         /* when it was told */
    const json_t *data; /* an object: dw_json_read(c, event->data, "id", &id) */
} dw_event;

/* What this plugin wants to be told, its own events included. A job: an error means again, but DW_EINVALID, DW_EDENIED,
 * DW_ENOTFOUND and DW_EMISUSE mean that it is given up, until an admin replays it. */
typedef struct dw_subscription {
    const char *event; /* a name; or the beginning of names, "notes.*", "notes.note.*"; "*": all */
    int (*handle)(dw_call *c, const dw_event *event);
} dw_subscription;

/* A webhook that came in: kept as it was sent, checked, and answered already. Borrowed for the call. */
typedef struct dw_delivery {
    uint32_t struct_size;
    const char *id;       /* ours: the same each time that it is handed over */
    const char *sent_as;  /* the sender's own id of it, or ours */
    const char *source;   /* the name that the admin gave the sender */
    dw_time at;           /* when it came */
    dw_bytes body;        /* dw_json_parse(c, dw_delivery_text(d), &json) */
    const json_t *fields; /* [["Name","value"],...], in their order */
} dw_delivery;

/* Where webhooks of others go. The admin says who may send: POST /hooks/PLUGIN/SOURCE, with a secret and how the sender
 * signs. A job, as above. */
typedef struct dw_inbox {
    const char *name; /* "tickets" */
    int (*handle)(dw_call *c, const dw_delivery *d);
} dw_inbox;

typedef struct dw_events_api {
    uint32_t struct_size;
    int (*emit)(dw_call *c, const char *name, dw_list pairs);
    const char *(*field)(const dw_delivery *d, const char *name);
} dw_events_api;

static inline DW_MUST_CHECK int dw_event_emit_(dw_call *c, const char *name, dw_list pairs)
{
    return dw_host_->events->emit(c, name, pairs);
}

/* dw_event_emit(c, "notes.note.created", "id", id, "title", title): told if and only if the open transaction commits;
 * DW_ETX without one, as the change and its event would go separate ways. The name begins with the plugin's own; what it
 * carries is at most 256 KiB of JSON (DW_ETOOLARGE), and better a few ids. DW_EINVALID for a value that is none. [call] */
#define dw_event_emit(c, name, ...) dw_event_emit_((c), (name), DW_LIST(__VA_ARGS__))

/* The first field of that name, compared without case; NULL when there is none. [call] */
static inline const char *dw_delivery_field(const dw_delivery *d, const char *name)
{
    return dw_host_->events->field(d, name);
}

/* The body as a text; nothing says that it is UTF-8. [call] */
static inline dw_str dw_delivery_text(const dw_delivery *d)
{
    dw_str text = { (const char *)d->body.p, d->body.n };
    return text;
}

#ifdef __cplusplus
}
#endif
#endif
