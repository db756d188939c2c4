/* known.c - an array, and two tables of places in it, open addressing. */
#include "known.h"

#include <stdlib.h>

#include "common.h"
#include "entry.h"

enum { PAGE = 2000 };

struct known {
    struct known_entry *all;
    uint32_t *by_source, *by_sheet; /* place + 1; 0: free */
    size_t n, room, slots;
};

static void known_free(void *ud)
{
    struct known *k = ud;

    free(k->all);
    free(k->by_source);
    free(k->by_sheet);
    free(k);
}

/* ---- tables ---- */

static size_t slot_of(const struct known *k, const unsigned char digest[DIGEST_SIZE])
{
    uint64_t start;

    memcpy(&start, digest, sizeof(start));
    return (size_t)start & (k->slots - 1);
}

static void put(struct known *k, uint32_t *table, const unsigned char digest[DIGEST_SIZE], size_t place)
{
    size_t slot = slot_of(k, digest);

    while (table[slot])
        slot = (slot + 1) & (k->slots - 1);
    table[slot] = (uint32_t)(place + 1);
}

static struct known_entry *get(struct known *k, const uint32_t *table, const char *text, size_t offset)
{
    unsigned char digest[DIGEST_SIZE];

    if (!text || digest_of(text, digest) != 0)
        return NULL;
    for (size_t slot = slot_of(k, digest); table[slot]; slot = (slot + 1) & (k->slots - 1)) {
        struct known_entry *e = &k->all[table[slot] - 1];

        if (memcmp((const char *)e + offset, digest, DIGEST_SIZE) == 0)
            return e;
    }
    return NULL;
}

struct known_entry *known_by_source(struct known *k, const char *source_id)
{
    return get(k, k->by_source, source_id, offsetof(struct known_entry, source_id));
}

struct known_entry *known_by_sheet(struct known *k, const char *sheet)
{
    return get(k, k->by_sheet, sheet, offsetof(struct known_entry, sheet));
}

size_t known_count(const struct known *k)
{
    return k->n;
}

struct known_entry *known_at(struct known *k, size_t i)
{
    return &k->all[i];
}

static int build_tables(struct known *k)
{
    static const unsigned char none[DIGEST_SIZE];

    for (k->slots = 64; k->slots < 2 * k->n + 2;)
        k->slots *= 2;
    k->by_source = calloc(k->slots, sizeof(*k->by_source));
    k->by_sheet = calloc(k->slots, sizeof(*k->by_sheet));
    if (!k->by_source || !k->by_sheet)
        return -1;
    for (size_t i = 0; i < k->n; i++) {
        put(k, k->by_source, k->all[i].source_id, i);
        if (memcmp(k->all[i].sheet, none, DIGEST_SIZE) != 0)
            put(k, k->by_sheet, k->all[i].sheet, i);
    }
    return 0;
}

/* ---- loading ---- */

enum known_state known_state_of(const char *state)
{
    static const char *const names[] = { "waiting", "synced",     "skipped", "deciding",
                                         "failed",  "unfollowed", "gone" };

    for (unsigned i = 0; i < sizeof(names) / sizeof(*names); i++)
        if (same(names[i], state))
            return (enum known_state)i;
    return KNOWN_WAITING;
}

static struct known_entry *grow(struct known *k)
{
    if (k->n == k->room) {
        const size_t room = k->room ? k->room * 2 : 256;
        struct known_entry *more = realloc(k->all, room * sizeof(*more));

        if (!more)
            return NULL;
        k->all = more;
        k->room = room;
    }
    memset(&k->all[k->n], 0, sizeof(*k->all));
    return &k->all[k->n++];
}

static int no_memory(dw_call *c)
{
    return dw_fail(c, DW_ENOMEM, "there is no memory for all entries of a sync");
}

static int load_page(dw_call *c, struct known *k, const char *sync)
{
    const char *id, *source_id, *hash, *pushed, *sheet, *base, *state, *reason, *intent;
    char after[37] = "00000000-0000-0000-0000-000000000000";
    dw_time starts, gone;
    bool exported;
    dw_rows *rows;
    int rc, n = 0;

    if (k->n)
        memcpy(after, k->all[k->n - 1].id, sizeof(after));
    DW_TRY(dw_db_query(c, &rows,
                       "SELECT id, source_id, hash, coalesce(pushed_hash, ''), coalesce(sheet, ''),"
                       " coalesce(base_hash, ''), state, reason, intent, starts_at, gone_at, exported"
                       " FROM timesync_entries WHERE sync = $1 AND id > $2 ORDER BY id LIMIT $3",
                       sync, (const char *)after, (int)PAGE));
    while ((rc = dw_rows_next(rows, &id, &source_id, &hash, &pushed, &sheet, &base, &state, &reason, &intent,
                              &starts, &gone, &exported)) > 0) {
        struct known_entry *e = grow(k);

        if (!e || digest_of(source_id, e->source_id) != 0 || (*sheet && digest_of(sheet, e->sheet) != 0))
            return no_memory(c);
        memcpy(e->id, id, strlen(id) < sizeof(e->id) ? strlen(id) : sizeof(e->id) - 1);
        digest_from_hex(hash, e->hash);
        digest_from_hex(pushed, e->pushed);
        digest_from_hex(base, e->base);
        e->state = (unsigned char)known_state_of(state);
        e->is_settled = entry_is_settled(state, reason);
        e->has_intent = *intent != '\0';
        e->is_exported = exported;
        e->is_missed = gone.us != 0;
        e->starts = starts.us;
        n++;
    }
    dw_rows_close(rows);
    return rc < 0 ? rc : n;
}

int known_load(dw_call *c, const char *sync, struct known **out)
{
    struct known *k = calloc(1, sizeof(*k));
    int rc;

    if (!k)
        return no_memory(c);
    DW_TRY(dw_defer(c, known_free, k));
    do {
        dw_scope_begin(c);
        rc = load_page(c, k, sync);
        dw_scope_end(c);
    } while (rc == PAGE);
    DW_TRY(rc);
    if (build_tables(k) != 0)
        return no_memory(c);
    *out = k;
    return 0;
}
