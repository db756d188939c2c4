#include "http/upload.h"

#include <errno.h>
#include <unistd.h>

#include "http/multipart.h"
#include "http/spool.h"
#include "util/buf.h"

enum { KIB = 1024, READ_SIZE = 16 * KIB };

struct upload_state {
    struct upload upload; /* first: what the caller sees */
    struct arena *arena;
    struct upload_options options;
    struct multipart parser;
    struct upload_part *last; /* the one that is being read */
    struct buf memory;        /* its content so far, unless spooled */
    size_t in_memory;         /* of all parts before */
    const char *reason;       /* why a function below gave a status; the parser only knows that it did */
};

static struct upload_state *state_of(struct upload *u)
{
    return (struct upload_state *)(void *)u;
}

static int refuse(struct upload_state *s, int status, const char *reason)
{
    s->reason = reason;
    return status;
}

static int out_of_memory(struct upload_state *s)
{
    return refuse(s, 500, "The server is out of memory.");
}

/* ---- what the parser finds ---- */

/* A copy in the arena; p stays NULL when there is nothing to copy. */
static bool keep(struct arena *a, struct str text, struct str *out)
{
    if (!text.p)
        return true;
    char *copy = arena_copy(a, text);
    *out = str_make(copy, text.n);
    return copy != NULL;
}

static int on_begin(const struct multipart_part *found, void *ud)
{
    struct upload_state *s = ud;
    struct upload_part *part = arena_calloc(s->arena, sizeof(*part));

    if (!part)
        return out_of_memory(s);
    part->fd = -1;
    if (!keep(s->arena, found->name, &part->name) || !keep(s->arena, found->filename, &part->filename) ||
        !keep(s->arena, found->content_type, &part->content_type))
        return out_of_memory(s);
    if (s->last)
        s->last->next = part;
    else
        s->upload.first = part;
    s->last = part;
    s->upload.parts++;
    s->memory.n = 0;
    return 0;
}

static int spool(struct upload_state *s, struct str piece)
{
    struct upload_part *part = s->last;

    if (part->fd < 0) {
        part->fd = spool_open(s->options.spool_dir);
        if (part->fd < 0 || spool_write(part->fd, buf_str(&s->memory)) != 0)
            return refuse(s, 507, "The server could not store an uploaded file.");
        s->memory.n = 0;
    }
    if (spool_write(part->fd, piece) != 0)
        return refuse(s, 507, "The server could not store an uploaded file.");
    return 0;
}

static int on_data(struct str piece, void *ud)
{
    struct upload_state *s = ud;
    struct upload_part *part = s->last;
    bool is_file = part->filename.p != NULL;
    size_t n = s->memory.n + piece.n;

    part->size += (off_t)piece.n;
    if (!is_file && n > s->options.field_max)
        return refuse(s, 413, "A field of the form is too long; send large content as a file.");
    if (is_file && (part->fd >= 0 || n > s->options.spool_above || s->in_memory + n > s->options.memory_max))
        return spool(s, piece);
    buf_add_str(&s->memory, piece);
    return buf_failed(&s->memory) ? out_of_memory(s) : 0;
}

static int on_end(void *ud)
{
    struct upload_state *s = ud;

    if (s->last->fd >= 0)
        return 0;
    s->in_memory += s->memory.n;
    return keep(s->arena, str_make(s->memory.p ? s->memory.p : "", s->memory.n), &s->last->value)
               ? 0
               : out_of_memory(s);
}

/* ---- feeding ---- */

static size_t or_default(size_t value, size_t fallback)
{
    return value ? value : fallback;
}

struct upload *upload_begin(struct arena *a, struct str content_type, const struct upload_options *options)
{
    struct upload_state *s = arena_calloc(a, sizeof(*s));

    if (!s)
        return NULL;
    s->arena = a;
    if (options)
        s->options = *options;
    if (!s->options.spool_dir)
        s->options.spool_dir = "/tmp";
    s->options.spool_above = or_default(s->options.spool_above, 256 * KIB);
    s->options.memory_max = or_default(s->options.memory_max, KIB * KIB);
    s->options.field_max = or_default(s->options.field_max, 256 * KIB);
    const struct multipart_events on = { .begin = on_begin, .data = on_data, .end = on_end, .ud = s };
    multipart_begin(&s->parser, content_type, &on);
    return &s->upload;
}

/* Takes over what the parser, or a function above, says. */
static int judge(struct upload_state *s, int result)
{
    if (result != 0 && s->upload.status == 0) {
        s->upload.status = s->parser.status;
        s->upload.reason = s->reason ? s->reason : s->parser.reason;
    }
    return result;
}

int upload_feed(struct upload *u, struct str bytes)
{
    struct upload_state *s = state_of(u);
    return judge(s, multipart_feed(&s->parser, bytes));
}

static int fail_to_read(struct upload_state *s)
{
    s->upload.status = 500;
    s->upload.reason = "The server could not read the body back from its file.";
    return -1;
}

int upload_feed_file(struct upload *u, int fd, off_t size)
{
    char piece[READ_SIZE];

    for (off_t at = 0; at < size;) {
        size_t want = size - at < READ_SIZE ? (size_t)(size - at) : READ_SIZE;
        ssize_t n = pread(fd, piece, want, at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return fail_to_read(state_of(u));
        if (upload_feed(u, str_make(piece, (size_t)n)) != 0)
            return -1;
        at += n;
    }
    return 0;
}

int upload_end(struct upload *u)
{
    struct upload_state *s = state_of(u);
    return judge(s, multipart_end(&s->parser));
}

void upload_finish(struct upload *u)
{
    if (!u)
        return;
    for (struct upload_part *part = u->first; part; part = part->next) {
        if (part->fd >= 0)
            close(part->fd);
        part->fd = -1;
    }
    buf_finish(&state_of(u)->memory);
}

const struct upload_part *upload_find(const struct upload *u, const char *name)
{
    struct str wanted = str_from(name);

    for (const struct upload_part *part = u->first; part; part = part->next) {
        if (str_equal(part->name, wanted))
            return part;
    }
    return NULL;
}
