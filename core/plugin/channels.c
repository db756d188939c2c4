#include "plugin/channels.h"

#include <dowel/value.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plugin/channel_position.h"
#include "util/buf.h"
#include "util/clock.h"
#include "util/list.h"

enum {
    BUCKETS = 1024,
    PER_OWNER_MAX = 10000,
    NAME_MAX = 200,
    EVENT_NAME_MAX = 200,
    EVENT_MAX = 128 * 1024, /* content of one; below an event stream's buffer */
    RECORDS_MAX = 1000,
    BYTES_MAX = 4 << 20,       /* of all records of one channel */
    OWNER_BYTES_MAX = 64 << 20 /* of all records of one owner */
};

#define KEPT_CLOSED_US (600 * (int64_t)CLOCK_SECOND)

/* Whose channels they are; stays as long as the table. */
struct owner {
    struct owner *next;
    size_t channels;      /* guarded by the table's lock */
    _Atomic size_t bytes; /* of the records of its channels that are in the table */
    char name[];
};

struct record {
    struct str event, json; /* in the same memory, behind */
    char text[];
};

struct follower {
    struct list link;
    struct http_stream *stream;
};

/* `lock` guards all but the names; references keep it while it is out of the table. */
struct channel {
    struct channel *next; /* in its bucket; guarded by the table's lock */
    _Atomic unsigned references;
    pthread_mutex_t lock;
    struct record **records; /* number n is at n - 1 */
    size_t records_n, records_cap, bytes;
    uint64_t passing; /* sent since the last record */
    bool closed;
    int64_t closed_us;
    struct list followers;
    struct owner *owner;
    char name[];
};

struct channels {
    pthread_mutex_t lock;
    struct channel *bucket[BUCKETS];
    struct owner *owners;
};

/* ---- the table ---- */

static struct channel **bucket_of(struct channels *c, const char *owner, const char *name)
{
    uint64_t hash = 14695981039346656037u; /* FNV-1a: names are the plugin's, not a stranger's */

    for (const char *p = owner; *p; p++)
        hash = (hash ^ (unsigned char)*p) * 1099511628211u;
    for (const char *p = name; *p; p++)
        hash = (hash ^ (unsigned char)*p) * 1099511628211u;
    return &c->bucket[hash % BUCKETS];
}

static void drop(struct channel *ch)
{
    if (!ch || atomic_fetch_sub_explicit(&ch->references, 1, memory_order_acq_rel) != 1)
        return;
    for (size_t i = 0; i < ch->records_n; i++)
        free(ch->records[i]);
    free(ch->records);
    pthread_mutex_destroy(&ch->lock);
    free(ch);
}

/* Under the table's lock; borrowed. */
static struct channel *find(struct channels *c, const char *owner, const char *name)
{
    struct channel *ch = *bucket_of(c, owner, name);

    while (ch && (strcmp(ch->name, name) != 0 || strcmp(ch->owner->name, owner) != 0))
        ch = ch->next;
    return ch;
}

/* With a reference and its lock held, or NULL. */
static struct channel *enter(struct channels *c, const char *owner, const char *name)
{
    pthread_mutex_lock(&c->lock);
    struct channel *ch = find(c, owner, name);
    if (ch)
        atomic_fetch_add_explicit(&ch->references, 1, memory_order_relaxed);
    pthread_mutex_unlock(&c->lock);
    if (ch)
        pthread_mutex_lock(&ch->lock);
    return ch;
}

static void leave(struct channel *ch)
{
    pthread_mutex_unlock(&ch->lock);
    drop(ch);
}

/* Under the table's lock; NULL when memory is out. */
static struct owner *owner_of(struct channels *c, const char *name)
{
    struct owner *o = c->owners;

    while (o && strcmp(o->name, name) != 0)
        o = o->next;
    if (o)
        return o;
    o = calloc(1, sizeof(*o) + strlen(name) + 1);
    if (!o)
        return NULL;
    memcpy(o->name, name, strlen(name));
    o->next = c->owners;
    c->owners = o;
    return o;
}

static struct channel *make(struct owner *owner, const char *name)
{
    struct channel *ch = calloc(1, sizeof(*ch) + strlen(name) + 1);

    if (!ch)
        return NULL;
    atomic_init(&ch->references, 1); /* the table's */
    pthread_mutex_init(&ch->lock, NULL);
    list_init(&ch->followers);
    ch->owner = owner;
    memcpy(ch->name, name, strlen(name));
    return ch;
}

/* ---- followers; all under the channel's lock ---- */

static void let_go(struct follower *f, bool whole)
{
    list_remove(&f->link);
    http_stream_close(f->stream, whole);
    free(f);
}

static void let_all_go(struct channel *ch)
{
    while (!list_empty(&ch->followers))
        /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): the first of the ring, which leaves it before it is freed */
        let_go(LIST_OWNER(ch->followers.next, struct follower, link), true);
}

static void send_to_all(struct channel *ch, const char *id, struct str event, struct str json)
{
    for (struct list *node = ch->followers.next, *next; node != &ch->followers; node = next) {
        struct follower *f = LIST_OWNER(node, struct follower, link);
        next = node->next;
        if (http_events_send(f->stream, str_from(id), event, json) != 0)
            let_go(f, false);
    }
}

static void drop_gone(struct channel *ch)
{
    for (struct list *node = ch->followers.next, *next; node != &ch->followers; node = next) {
        struct follower *f = LIST_OWNER(node, struct follower, link);
        next = node->next;
        if (http_stream_is_gone(f->stream))
            let_go(f, false);
    }
}

/* ---- life ---- */

int channels_create(struct channels **out)
{
    struct channels *c = *out = calloc(1, sizeof(*c));

    if (!c)
        return -1;
    pthread_mutex_init(&c->lock, NULL);
    return 0;
}

static void take_out(struct channel **place)
{
    struct channel *ch = *place;

    *place = ch->next;
    ch->owner->channels--;
    pthread_mutex_lock(&ch->lock);
    ch->closed = true; /* for those who are on their way in */
    atomic_fetch_sub_explicit(&ch->owner->bytes, ch->bytes, memory_order_relaxed);
    let_all_go(ch);
    leave(ch);
}

void channels_destroy(struct channels *c)
{
    if (!c)
        return;
    for (size_t i = 0; i < BUCKETS; i++) {
        while (c->bucket[i])
            take_out(&c->bucket[i]);
    }
    while (c->owners) {
        struct owner *o = c->owners;
        c->owners = o->next;
        free(o);
    }
    pthread_mutex_destroy(&c->lock);
    free(c);
}

static bool is_over(struct channel *ch, int64_t now_us)
{
    pthread_mutex_lock(&ch->lock);
    drop_gone(ch);
    bool over = ch->closed && now_us - ch->closed_us >= KEPT_CLOSED_US;
    pthread_mutex_unlock(&ch->lock);
    return over;
}

void channels_tick(struct channels *c, int64_t now_us)
{
    for (size_t i = 0; i < BUCKETS; i++) {
        pthread_mutex_lock(&c->lock);
        for (struct channel **place = &c->bucket[i]; *place;) {
            if (is_over(*place, now_us))
                take_out(place);
            else
                place = &(*place)->next;
        }
        pthread_mutex_unlock(&c->lock);
    }
}

/* ---- writing ---- */

static int add_new(struct channels *c, const char *owner, const char *name)
{
    struct channel **bucket = bucket_of(c, owner, name), *ch;
    struct owner *o = owner_of(c, owner);

    if (o && o->channels >= PER_OWNER_MAX)
        return DW_EUNAVAILABLE;
    ch = o ? make(o, name) : NULL;
    if (!ch)
        return DW_ENOMEM;
    o->channels++;
    ch->next = *bucket;
    *bucket = ch;
    return 0;
}

int channels_open(struct channels *c, const char *owner, const char *name)
{
    int rc = 0;

    if (!*name || strlen(name) > NAME_MAX)
        return DW_EINVALID;
    pthread_mutex_lock(&c->lock);
    struct channel *ch = find(c, owner, name);
    if (!ch) {
        rc = add_new(c, owner, name);
    } else {
        pthread_mutex_lock(&ch->lock);
        rc = ch->closed ? DW_EGONE : 0;
        pthread_mutex_unlock(&ch->lock);
    }
    pthread_mutex_unlock(&c->lock);
    return rc;
}

static bool is_event_name(struct str s)
{
    return s.n > 0 && s.n <= EVENT_NAME_MAX && str_find(s, '\n') == s.n && str_find(s, '\r') == s.n &&
           !memchr(s.p, 0, s.n);
}

static int check_event(struct str event, struct str json)
{
    if (!is_event_name(event))
        return DW_EINVALID;
    return json.n > EVENT_MAX ? DW_ETOOLARGE : 0;
}

int channels_send(struct channels *c, const char *owner, const char *name, struct str event, struct str json)
{
    char id[CHANNEL_POSITION_SIZE];
    int rc = check_event(event, json);
    struct channel *ch = rc == 0 ? enter(c, owner, name) : NULL;

    if (!ch)
        return rc ? rc : DW_ENOTFOUND;
    if (ch->closed) {
        rc = DW_EGONE;
    } else {
        ch->passing++;
        channel_position_write(&(struct channel_position){ ch->records_n, ch->passing }, id);
        send_to_all(ch, id, event, json);
    }
    leave(ch);
    return rc;
}

/* Two channels of one owner may be written at once. */
static bool take_budget(struct owner *o, size_t size)
{
    size_t before = atomic_fetch_add_explicit(&o->bytes, size, memory_order_relaxed);

    if (before + size <= OWNER_BYTES_MAX)
        return true;
    atomic_fetch_sub_explicit(&o->bytes, size, memory_order_relaxed);
    return false;
}

static struct record *make_record(struct str event, struct str json)
{
    struct record *r = malloc(sizeof(*r) + event.n + json.n);

    if (!r)
        return NULL;
    memcpy(r->text, event.p, event.n);
    memcpy(r->text + event.n, json.p, json.n);
    r->event = str_make(r->text, event.n);
    r->json = str_make(r->text + event.n, json.n);
    return r;
}

static bool reserve_record(struct channel *ch)
{
    if (ch->records_n < ch->records_cap)
        return true;
    size_t cap = ch->records_cap ? 2 * ch->records_cap : 8;
    struct record **grown = realloc(ch->records, cap * sizeof(struct record *));
    if (!grown)
        return false;
    ch->records = grown;
    ch->records_cap = cap;
    return true;
}

/* Under the lock. A channel that is full takes no more: to forget its beginning would show a late follower half a log
 * as if it were the whole. */
static int record(struct channel *ch, struct str event, struct str json)
{
    size_t size = sizeof(struct record) + event.n + json.n;
    char id[CHANNEL_POSITION_SIZE];

    if (ch->closed)
        return DW_EGONE;
    if (ch->records_n == RECORDS_MAX || ch->bytes + size > BYTES_MAX || !take_budget(ch->owner, size))
        return DW_ETOOLARGE;
    struct record *r = reserve_record(ch) ? make_record(event, json) : NULL;
    if (!r) {
        atomic_fetch_sub_explicit(&ch->owner->bytes, size, memory_order_relaxed);
        return DW_ENOMEM;
    }
    ch->records[ch->records_n++] = r;
    ch->bytes += size;
    ch->passing = 0;
    channel_position_write(&(struct channel_position){ ch->records_n, 0 }, id);
    send_to_all(ch, id, event, json);
    return 0;
}

int channels_record(struct channels *c, const char *owner, const char *name, struct str event,
                    struct str json)
{
    int rc = check_event(event, json);
    struct channel *ch = rc == 0 ? enter(c, owner, name) : NULL;

    if (!ch)
        return rc ? rc : DW_ENOTFOUND;
    rc = record(ch, event, json);
    leave(ch);
    return rc;
}

int channels_close(struct channels *c, const char *owner, const char *name)
{
    struct channel *ch = enter(c, owner, name);

    if (!ch)
        return DW_ENOTFOUND;
    if (!ch->closed) {
        ch->closed = true;
        ch->closed_us = clock_monotonic_us();
        let_all_go(ch);
    }
    leave(ch);
    return 0;
}

int channels_exists(struct channels *c, const char *owner, const char *name)
{
    pthread_mutex_lock(&c->lock);
    bool there = find(c, owner, name) != NULL;
    pthread_mutex_unlock(&c->lock);
    return there ? 1 : DW_ENOTFOUND;
}

/* ---- following ---- */

/* Under the channel's lock, which it gives up while the client is slower: never while somebody writes. False when the
 * client is gone, or too slow for its request's time. */
static bool replay(struct channel *ch, struct http_stream *s, uint64_t from, int64_t until_us)
{
    char id[CHANNEL_POSITION_SIZE];

    for (uint64_t n = from; n < ch->records_n; n++) {
        const struct record *r = ch->records[n]; /* stays: records only go with their channel */
        pthread_mutex_unlock(&ch->lock);
        channel_position_write(&(struct channel_position){ n + 1, 0 }, id);
        bool sent = http_events_wait(s, 2 * (r->event.n + r->json.n) + 64, until_us) == 0 &&
                    http_events_send(s, str_from(id), r->event, r->json) == 0;
        pthread_mutex_lock(&ch->lock);
        if (!sent)
            return false;
    }
    return true;
}

static bool tell_reset(struct channel *ch, struct http_stream *s)
{
    char id[CHANNEL_POSITION_SIZE];

    channel_position_write(&(struct channel_position){ ch->records_n, ch->passing }, id);
    return http_events_send(s, str_from(id), STR_OF("reset"), STR_OF("{}")) == 0;
}

/* Under the lock. Takes f and its stream. */
static void join(struct channel *ch, struct follower *f, const struct channel_resume *from, int64_t until_us)
{
    bool there = replay(ch, f->stream, from->records, until_us);

    if (there && from->must_reset)
        there = tell_reset(ch, f->stream);
    list_append(&ch->followers, &f->link);
    if (!there)
        let_go(f, false);
    else if (ch->closed)
        let_go(f, true);
}

/* Under the lock. */
static int follow(struct channel *ch, struct http_exchange *x)
{
    const struct channel_position now = { ch->records_n, ch->passing };
    const struct channel_resume from = channel_resume_at(http_request_last_event(x), &now);

    /* An event source comes back whenever a stream ends; that there is no more it learns only so. */
    if (ch->closed && from.records == ch->records_n && !from.must_reset)
        return http_reply_empty(x, 204) == 0 ? 0 : DW_ENOMEM;
    struct follower *f = calloc(1, sizeof(*f));
    if (!f)
        return DW_ENOMEM;
    list_init(&f->link);
    f->stream = http_events_open(x);
    if (!f->stream) {
        free(f);
        return DW_ENOMEM;
    }
    join(ch, f, &from, http_request_deadline(x));
    return 0;
}

int channels_follow(struct channels *c, const char *owner, const char *name, struct http_exchange *x)
{
    struct channel *ch = enter(c, owner, name);

    if (!ch)
        return DW_ENOTFOUND;
    int rc = follow(ch, x);
    leave(ch);
    return rc;
}
