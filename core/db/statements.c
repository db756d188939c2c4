#include "db/statements.h"

#include <stdlib.h>
#include <string.h>

#include "util/list.h"

enum { SHARDS = 16, POINTERS = 128, BUCKETS = 128, REMEMBERED_MAX = 128 }; /* each but the first: a shard's */

struct remembered {
    struct list age;         /* in the shard's; the newest last */
    struct remembered *next; /* in its bucket */
    _Atomic unsigned references;
    struct statements_key key;
    uint64_t walls, hash;
    const char *sql;
    struct statement *statement;
    struct arena memory;
};

struct pointer {
    const char *sql;
    struct remembered *to;
};

/* A text belongs to the shard of its hash; its address to a slot in the shard of the address. */
struct shard {
    pthread_mutex_t lock;
    struct pointer pointers[POINTERS];
    struct remembered *buckets[BUCKETS];
    struct list ages;
    unsigned n;
};

struct statements {
    _Atomic uint64_t next_id;
    struct shard shards[SHARDS];
};

int statements_create(struct statements **out)
{
    struct statements *all = calloc(1, sizeof(*all));

    *out = all;
    if (!all)
        return -1;
    for (unsigned i = 0; i < SHARDS; i++) {
        pthread_mutex_init(&all->shards[i].lock, NULL);
        list_init(&all->shards[i].ages);
    }
    return 0;
}

static struct remembered *hold(struct remembered *r)
{
    atomic_fetch_add_explicit(&r->references, 1, memory_order_relaxed);
    return r;
}

void remembered_drop(struct remembered *r)
{
    if (!r || atomic_fetch_sub_explicit(&r->references, 1, memory_order_acq_rel) != 1)
        return;
    arena_finish(&r->memory);
    free(r);
}

const struct statement *remembered_statement(const struct remembered *r)
{
    return r->statement;
}

static void forget_shard(struct shard *shard)
{
    for (unsigned i = 0; i < POINTERS; i++)
        remembered_drop(shard->pointers[i].to);
    while (!list_empty(&shard->ages)) {
        struct remembered *r = LIST_OWNER(shard->ages.next, struct remembered, age);
        list_remove(&r->age);
        remembered_drop(r);
    }
    pthread_mutex_destroy(&shard->lock);
}

void statements_destroy(struct statements *all)
{
    if (!all)
        return;
    for (unsigned i = 0; i < SHARDS; i++)
        forget_shard(&all->shards[i]);
    free(all);
}

/* ---- looking up ---- */

static bool is_the_one(const struct remembered *r, const char *sql, const struct statements_key *key,
                       uint64_t walls)
{
    return r->walls == walls && r->key.by == key->by && r->key.is_guarded == key->is_guarded &&
           r->key.is_migration == key->is_migration && strcmp(r->sql, sql) == 0;
}

static uint64_t mix(uint64_t x)
{
    x ^= x >> 33;
    x *= UINT64_C(0xff51afd7ed558ccd);
    x ^= x >> 33;
    return x;
}

static uint64_t hash_of(const char *sql, const struct statements_key *key, uint64_t walls)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325) ^ walls ^ (uint64_t)key->by << 32 ^
                 (uint64_t)key->is_guarded << 33 ^ (uint64_t)key->is_migration << 34;

    for (const unsigned char *p = (const unsigned char *)sql; *p; p++)
        h = (h ^ *p) * UINT64_C(0x100000001b3);
    return mix(h);
}

/* The address alone, without the key: one literal is rarely asked for under two. */
static struct pointer *slot_of(struct statements *all, const char *sql, struct shard **shard)
{
    uint64_t h = mix((uint64_t)(uintptr_t)sql);

    *shard = &all->shards[h % SHARDS];
    return &(*shard)->pointers[h / SHARDS % POINTERS];
}

static struct remembered *find_by_pointer(struct statements *all, const char *sql,
                                          const struct statements_key *key, uint64_t walls)
{
    struct remembered *found = NULL;
    struct shard *shard;
    struct pointer *slot = slot_of(all, sql, &shard);

    pthread_mutex_lock(&shard->lock);
    if (slot->sql == sql && slot->to && is_the_one(slot->to, sql, key, walls))
        found = hold(slot->to);
    pthread_mutex_unlock(&shard->lock);
    return found;
}

static void remember_pointer(struct statements *all, const char *sql, struct remembered *r)
{
    struct shard *shard;
    struct pointer *slot = slot_of(all, sql, &shard);

    pthread_mutex_lock(&shard->lock);
    struct remembered *old = slot->to;
    *slot = (struct pointer){ sql, hold(r) };
    pthread_mutex_unlock(&shard->lock);
    remembered_drop(old);
}

/* ---- by content ---- */

static struct remembered **bucket_of(struct shard *shard, uint64_t hash)
{
    return &shard->buckets[hash / SHARDS % BUCKETS];
}

static struct remembered *find_in(struct shard *shard, uint64_t hash, const char *sql,
                                  const struct statements_key *key, uint64_t walls)
{
    for (struct remembered *r = *bucket_of(shard, hash); r; r = r->next) {
        if (r->hash == hash && is_the_one(r, sql, key, walls)) {
            list_remove(&r->age);
            list_append(&shard->ages, &r->age);
            return hold(r);
        }
    }
    return NULL;
}

/* Under the lock; the caller drops what it returns. */
static struct remembered *forget_oldest(struct shard *shard)
{
    struct remembered *r = LIST_OWNER(shard->ages.next, struct remembered, age);
    struct remembered **at = bucket_of(shard, r->hash);

    while (*at != r)
        at = &(*at)->next;
    *at = r->next;
    list_remove(&r->age);
    shard->n--;
    return r;
}

/* Another thread may have read the same text meanwhile: then that one is it. */
static struct remembered *remember(struct shard *shard, struct remembered *made)
{
    struct remembered *forgotten = NULL;

    pthread_mutex_lock(&shard->lock);
    struct remembered *r = find_in(shard, made->hash, made->sql, &made->key, made->walls);
    if (r) {
        forgotten = made;
    } else {
        struct remembered **bucket = bucket_of(shard, made->hash);
        if (shard->n == REMEMBERED_MAX)
            forgotten = forget_oldest(shard);
        made->next = *bucket;
        *bucket = hold(made);
        list_append(&shard->ages, &made->age);
        shard->n++;
        r = made;
    }
    pthread_mutex_unlock(&shard->lock);
    remembered_drop(forgotten);
    return r;
}

static bool has_wall(struct str table, const void *ud)
{
    return db_walls_has(ud, table);
}

static int read_with(struct remembered **out, struct db *db, const char *sql,
                     const struct statements_key *key, const struct db_walls *walls, struct buf *why)
{
    const struct statement_rules rules = { .engine = db->driver->engine,
                                           .by = key->by,
                                           .is_guarded = key->is_guarded,
                                           .is_migration = key->is_migration,
                                           .has_wall = has_wall,
                                           .ud = walls };
    struct remembered *r = calloc(1, sizeof(*r));

    *out = r;
    if (!r)
        return DW_ENOMEM;
    atomic_init(&r->references, 1);
    list_init(&r->age);
    arena_init(&r->memory, NULL, 0, 0);
    r->key = *key;
    r->sql = arena_copy(&r->memory, str_from(sql));
    int rc = r->sql ? statement_read(&r->statement, &r->memory, sql, &rules, why) : DW_ENOMEM;
    if (rc != 0) {
        remembered_drop(r);
        *out = NULL;
        return rc;
    }
    r->statement->id = atomic_fetch_add(&db->statements->next_id, 1) + 1;
    return 0;
}

/* The walls may be newer than those that were looked up with: the key is what it was read with. */
static int read_new(struct remembered **out, struct db *db, const char *sql, const struct statements_key *key,
                    struct buf *why)
{
    struct db_walls *walls = db_walls_hold(db);
    int rc = read_with(out, db, sql, key, walls, why);

    if (rc == 0) {
        (*out)->walls = walls ? walls->version : 0;
        (*out)->hash = hash_of(sql, key, (*out)->walls);
        *out = remember(&db->statements->shards[(*out)->hash % SHARDS], *out);
    }
    db_walls_drop(walls);
    return rc;
}

static struct remembered *find_by_content(struct statements *all, const char *sql,
                                          const struct statements_key *key, uint64_t walls)
{
    uint64_t hash = hash_of(sql, key, walls);
    struct shard *shard = &all->shards[hash % SHARDS];

    pthread_mutex_lock(&shard->lock);
    struct remembered *r = find_in(shard, hash, sql, key, walls);
    pthread_mutex_unlock(&shard->lock);
    return r;
}

int statements_find(struct remembered **out, struct db *db, const char *sql, const struct statements_key *key,
                    struct buf *why)
{
    uint64_t walls = db_walls_version(db);
    int rc = 0;

    *out = find_by_pointer(db->statements, sql, key, walls);
    if (*out)
        return 0;
    *out = find_by_content(db->statements, sql, key, walls);
    if (!*out)
        rc = read_new(out, db, sql, key, why);
    if (*out)
        remember_pointer(db->statements, sql, *out);
    return rc;
}
