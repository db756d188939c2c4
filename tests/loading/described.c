/* described.c - a whole little plugin, of which one field is replaced by what FIELDS says. */
#include <signal.h>

#include <dowel/dowel.h>

#ifndef FIELDS
#define FIELDS .license = "MIT"
#endif

struct settings {
    int64_t most;
    dw_span keep;
    dw_secret key;
};

static const dw_item items[] = {
    DW_ITEM(struct settings, most, .fallback = "10", .min = 1, .max = 100, .help = "How many at most."),
    DW_ITEM(struct settings, keep, .fallback = "1h", .help = "For how long"),
    DW_ITEM(struct settings, key, .fallback = "\"\"", .help = "What opens it"),
    { 0 },
};

static int answer(dw_call *c, dw_request *req)
{
    (void)c;
    return dw_reply(req, 200, "plugin", NAME);
}

static const dw_route own[] = { { "GET", "/" NAME, "-", answer }, { 0 } };
const dw_route dav[] = { { "GET", "/dav/{rest...}", "-", answer }, { 0 } };

const dw_question questions[] = { { "asker.may", DW_SILENCE_DENIES }, { 0 } };

static int let_in(dw_call *c, void *question)
{
    (void)c;
    (void)question;
    return 1;
}

const dw_hook guards[] = { { "asker.may", let_in, 50 }, { 0 } };

static int work(dw_call *c, dw_job *job)
{
    (void)c;
    return dw_job_done(job);
}

const dw_job_kind tidy[] = { { .name = "tidy", .run = work, .timeout = "90s", .attempts = 3 }, { 0 } };
const dw_job_kind vague[] = { { .name = "tidy", .run = work, .timeout = "soon" }, { 0 } };
const dw_job_kind greedy[] = { { .name = "tidy", .run = work, .parallel = 4711 }, { 0 } };
const dw_job_kind idle[] = { { .name = "tidy" }, { 0 } };
const dw_schedule nightly[] = { { .name = "nightly", .job = "tidy", .when = "0 3 * * *" }, { 0 } };
const dw_schedule whenever[] = { { .name = "nightly", .job = "tidy" }, { 0 } };

static int hear(dw_call *c, const dw_event *event)
{
    (void)c;
    return event->data ? 0 : DW_EINVALID;
}

static int take(dw_call *c, const dw_delivery *d)
{
    (void)c;
    return d->body.n > 0 ? 0 : DW_EINVALID;
}

const dw_subscription wanted[] = { { "notes.note.*", hear }, { "*", hear }, { 0 } };
const dw_subscription vague_wanted[] = { { "notes*", hear }, { 0 } };
const dw_subscription deaf_wanted[] = { { "notes.created", NULL }, { 0 } };
const dw_inbox inboxes[] = { { "tickets", take }, { 0 } };
const dw_inbox odd_inboxes[] = { { "tickets/new", take }, { 0 } };

int refuse(dw_call *c);
int refuse(dw_call *c)
{
    return dw_fail(c, DW_EUNAVAILABLE, "the moon is not full");
}

int refuse_item(dw_call *c, const void *conf);
int refuse_item(dw_call *c, const void *conf)
{
    const struct settings *s = conf;

    return s->most > 50 ? dw_fail_at(c, "/most", "is more than there are") : 0;
}

int crash(dw_call *c);
int crash(dw_call *c)
{
    (void)c;
    raise(SIGSEGV);
    return 0;
}

/* Of a field that stands there twice, the last one counts. */
#pragma GCC diagnostic ignored "-Woverride-init"
DOWEL_PLUGIN(.name = NAME, .version = "1.0.0", .summary = "For tests",
             .conf = DW_ITEMS(struct settings, items), .routes = own, FIELDS);
