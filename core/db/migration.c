#include "db/migration.h"

#include <stdlib.h>

#include "config/nearest.h"
#include "secure/digest.h"

enum { TENANT_TABLES_MAX = 100, SEARCHES_MAX = 20, TABLE_NAME_MAX = 63 };
enum { FOR_SQLITE = 1, FOR_POSTGRES = 2, FOR_ALL = FOR_SQLITE | FOR_POSTGRES };

enum part { PART_HEAD, PART_UP, PART_DOWN };

/* One file while it is read. */
struct reader {
    struct migration *m;
    struct arena *arena;
    struct buf *why;
    unsigned line;
    enum part part;
    unsigned engines;                    /* FOR_...: whom the lines here are for */
    bool does_something;                 /* there is SQL on the way up */
    const char **tables[MIGRATION_WAYS]; /* of tenants */
    struct search_table *searches[MIGRATION_WAYS];
    char *scripts[MIGRATION_ENGINES][MIGRATION_WAYS];
    size_t at; /* in each of the scripts */
};

static int fail(struct reader *r, const char *format, ...) DW_PRINTF(2, 3);

static int fail(struct reader *r, const char *format, ...)
{
    va_list args;

    buf_add_format(r->why, "%s%s", r->why->n ? "\n" : "", r->m->source);
    if (r->line > 0)
        buf_add_format(r->why, ":%u", r->line);
    buf_add_text(r->why, ": ");
    va_start(args, format);
    buf_add_format_list(r->why, format, args);
    va_end(args);
    return -1;
}

/* ---- its name ---- */

static struct str base_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return str_from(slash ? slash + 1 : path);
}

static bool is_word(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] != '_' && !(s.p[i] >= 'a' && s.p[i] <= 'z') && !(s.p[i] >= '0' && s.p[i] <= '9'))
            return false;
    }
    return s.n > 0;
}

static int read_name(struct reader *r, const char *path)
{
    struct str base = base_of(path), name = base;
    uint64_t number = 0;

    r->m->source = arena_format(r->arena, "%s/migrations/%.*s", r->m->owner, STR_ARG(base));
    if (!r->m->source)
        return -1;
    if (str_ends_with(base, STR_OF(".sql")))
        name.n -= sizeof(".sql") - 1;
    if (name.n == base.n || name.n < 6 || name.n > MIGRATION_NAME_MAX || name.p[4] != '_' ||
        !str_to_uint(str_make(name.p, 4), MIGRATION_NUMBER_MAX, &number) || number == 0 ||
        !is_word(str_make(name.p + 5, name.n - 5)))
        return fail(r, "is no name of a migration; four digits, _ and what it is about in small letters: "
                       "0001_notes.sql");
    r->m->number = (unsigned)number;
    r->m->name = arena_copy(r->arena, name);
    return r->m->name ? 0 : -1;
}

/* ---- lines that say something to Dowel ---- */

static struct str trim(struct str s)
{
    while (s.n > 0 && (s.p[s.n - 1] == '\r' || s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t'))
        s.n--;
    return str_trim(s);
}

static int begin_part(struct reader *r, enum part part)
{
    if (part == r->part || (part == PART_UP && r->part == PART_DOWN))
        return fail(r, part == PART_UP ? "there is one -- migrate:up, above -- migrate:down"
                                       : "there is only one -- migrate:down");
    if (part == PART_DOWN && r->part == PART_HEAD)
        return fail(r, "-- migrate:up comes first");
    r->part = part;
    r->engines = FOR_ALL;
    r->m->has_down |= part == PART_DOWN;
    return 0;
}

static int set_migrate(struct reader *r, struct str value)
{
    if (str_equal(value, STR_OF("up")))
        return begin_part(r, PART_UP);
    if (str_equal(value, STR_OF("down")))
        return begin_part(r, PART_DOWN);
    if (str_equal(value, STR_OF("offline")) && r->part != PART_DOWN) {
        r->m->is_offline = true;
        return 0;
    }
    if (str_equal(value, STR_OF("offline")))
        return fail(r, "-- migrate:offline is about the way up; write it above -- migrate:down");
    if (value.n >= 11 && memmem(value.p, value.n, "transaction", 11))
        return fail(r, "a migration is always one transaction: nothing of it may be left when it fails");
    return fail(r, "-- migrate: %.*s? There are up, down and offline", STR_ARG(value));
}

static int set_dialect(struct reader *r, struct str value)
{
    static const struct {
        struct str name;
        unsigned engines;
    } dialects[] = { { STR("sqlite"), FOR_SQLITE },
                     { STR("postgres"), FOR_POSTGRES },
                     { STR("all"), FOR_ALL } };

    if (r->part == PART_HEAD)
        return fail(r, "-- migrate:up comes before -- dialect");
    for (size_t i = 0; i < DW_COUNT_OF(dialects); i++) {
        if (str_equal(value, dialects[i].name)) {
            r->engines = dialects[i].engines;
            return 0;
        }
    }
    return fail(r, "-- dialect: %.*s? There are sqlite, postgres and all", STR_ARG(value));
}

static int check_table(struct reader *r, struct str name, enum migration_way way)
{
    if (name.n == 0)
        return fail(r, "-- tenant-table: of which table?");
    if (!is_word(name) || !(name.p[0] >= 'a' && name.p[0] <= 'z') || name.n > TABLE_NAME_MAX)
        return fail(r,
                    "-- tenant-table: %.*s is no name of a table: small letters, digits and _, a letter "
                    "first, and one "
                    "on a line",
                    STR_ARG(name));
    if (str_starts_with(name, STR_OF("dowel_")))
        return fail(r, "-- tenant-table: %.*s: names that begin with dowel_ are the server's", STR_ARG(name));
    for (size_t i = 0; i < r->m->tenant_tables_n[way]; i++) {
        if (str_equal(str_from(r->tables[way][i]), name))
            return fail(r, "-- tenant-table: %.*s stands twice", STR_ARG(name));
    }
    if (r->m->tenant_tables_n[way] == TENANT_TABLES_MAX)
        return fail(r, "has more than %d tenant tables; make two migrations of it", TENANT_TABLES_MAX);
    return 0;
}

static int set_tenant_table(struct reader *r, struct str value)
{
    enum migration_way way = r->part == PART_DOWN ? MIGRATION_DOWN : MIGRATION_UP;

    if (r->part == PART_HEAD)
        return fail(r, "-- tenant-table stands below -- migrate:up, or -- migrate:down where that makes the "
                       "table again");
    if (check_table(r, value, way) != 0)
        return -1;
    if (!r->tables[way])
        r->tables[way] = arena_calloc(r->arena, TENANT_TABLES_MAX * sizeof(char *));
    const char *copy = arena_copy(r->arena, value);
    if (!r->tables[way] || !copy)
        return -1;
    r->m->tenant_tables[way] = r->tables[way];
    r->tables[way][r->m->tenant_tables_n[way]++] = copy;
    return 0;
}

/* title, problem */
static int read_columns(struct reader *r, struct search_table *search, struct str list)
{
    const char **columns = arena_calloc(r->arena, SEARCH_COLUMNS_MAX * sizeof(*columns));
    struct str one;

    if (!columns)
        return -1;
    search->columns = columns;
    while (list.n > 0 && str_split(&list, ',', &one)) {
        struct str name = trim(one);
        if (!search_is_name(name))
            return fail(
                r,
                "-- search-table: %.*s is no name of a column: small letters, digits and _, a letter first",
                STR_ARG(name));
        if (search->columns_n == SEARCH_COLUMNS_MAX)
            return fail(r, "-- search-table: there are more than %d columns", SEARCH_COLUMNS_MAX);
        columns[search->columns_n] = arena_copy(r->arena, name);
        if (!columns[search->columns_n++])
            return -1;
    }
    return search->columns_n > 0 ? 0 : fail(r, "-- search-table: of which columns?");
}

static int check_search(struct reader *r, struct str table, enum migration_way way)
{
    if (!search_is_name(table))
        return fail(
            r,
            "-- search-table: %.*s is no name of a table with an index of words: small letters, digits "
            "and _, a letter first, at most %d of them",
            STR_ARG(table), SEARCH_TABLE_MAX);
    for (size_t i = 0; i < r->m->searches_n[way]; i++) {
        if (str_equal(str_from(r->searches[way][i].table), table))
            return fail(r, "-- search-table: %.*s stands twice; a table has one", STR_ARG(table));
    }
    return r->m->searches_n[way] < SEARCHES_MAX ? 0 : fail(r, "has more than %d search tables", SEARCHES_MAX);
}

/* cases (title, problem) */
static int set_search_table(struct reader *r, struct str value)
{
    enum migration_way way = r->part == PART_DOWN ? MIGRATION_DOWN : MIGRATION_UP;
    size_t open = str_find(value, '(');
    struct str table = trim(str_make(value.p, open));

    if (r->part == PART_HEAD)
        return fail(
            r, "-- search-table stands below -- migrate:up, or -- migrate:down where that makes it again");
    if (open == value.n || value.p[value.n - 1] != ')')
        return fail(r,
                    "-- search-table: write the table, and its columns in brackets: cases (title, problem)");
    if (check_search(r, table, way) != 0)
        return -1;
    if (!r->searches[way])
        r->searches[way] = arena_calloc(r->arena, SEARCHES_MAX * sizeof(*r->searches[way]));
    if (!r->searches[way])
        return -1;
    struct search_table *search = &r->searches[way][r->m->searches_n[way]];
    search->table = arena_copy(r->arena, table);
    r->does_something |= way == MIGRATION_UP;
    r->m->searches[way] = r->searches[way];
    r->m->searches_n[way]++;
    return search->table ? read_columns(r, search, str_make(value.p + open + 1, value.n - open - 2)) : -1;
}

static const struct directive {
    const char *name;
    int (*set)(struct reader *r, struct str value);
} directives[] = {
    { "migrate", set_migrate },
    { "dialect", set_dialect },
    { "tenant-table", set_tenant_table },
    { "search-table", set_search_table },
};

/* A comment that is nearly one of them was meant to be it: a wall that is not there must not go unnoticed. */
static int set_nearest(struct reader *r, struct str name)
{
    struct nearest nearest = nearest_init(name);

    for (size_t i = 0; i < DW_COUNT_OF(directives); i++)
        nearest_offer(&nearest, directives[i].name);
    return nearest.name ? fail(r, "-- %.*s: did you mean -- %s?", STR_ARG(name), nearest.name) : 0;
}

/* A comment, without its dashes. */
static int read_comment(struct reader *r, struct str text)
{
    size_t colon = str_find(text, ':');
    struct str name = trim(str_make(text.p, colon));

    if (colon == text.n || name.n == 0)
        return 0;
    for (size_t i = 0; i < DW_COUNT_OF(directives); i++) {
        if (str_equal(name, str_from(directives[i].name)))
            return directives[i].set(r, trim(str_make(text.p + colon + 1, text.n - colon - 1)));
    }
    return set_nearest(r, name);
}

/* ---- all lines ---- */

static bool is_comment(struct str line)
{
    return line.n >= 2 && line.p[0] == '-' && line.p[1] == '-';
}

/* Only the line's end in those that it is not for. */
static void put_line(struct reader *r, struct str line)
{
    for (int engine = 0; engine < MIGRATION_ENGINES; engine++) {
        for (int way = 0; way < MIGRATION_WAYS; way++) {
            char *script = r->scripts[engine][way];
            bool is_for =
                (r->engines & 1U << engine) && r->part == (way == MIGRATION_UP ? PART_UP : PART_DOWN);
            if (is_for) {
                memcpy(script + r->m->scripts[engine][way].n, line.p, line.n);
                r->m->scripts[engine][way].n += line.n;
            }
            script[r->m->scripts[engine][way].n++] = '\n';
        }
    }
}

static int read_line(struct reader *r, struct str line)
{
    struct str text = trim(line);
    int result = 0;

    r->line++;
    if (is_comment(text))
        result = read_comment(r, trim(str_make(text.p + 2, text.n - 2)));
    else if (text.n > 0 && r->part == PART_HEAD)
        result = fail(r, "-- migrate:up comes before what is to be done");
    else if (text.n > 0 && r->part == PART_UP)
        r->does_something = true;
    if (result == 0)
        put_line(r, line);
    return result;
}

static int make_scripts(struct reader *r, size_t size)
{
    for (int engine = 0; engine < MIGRATION_ENGINES; engine++) {
        for (int way = 0; way < MIGRATION_WAYS; way++) {
            /* One more: the last line may have no end. */
            r->scripts[engine][way] = arena_alloc(r->arena, size + 1);
            if (!r->scripts[engine][way])
                return -1;
            r->m->scripts[engine][way] = str_make(r->scripts[engine][way], 0);
        }
    }
    return 0;
}

static int read_text(struct reader *r, struct str text)
{
    char hex[DIGEST_HEX_SIZE];
    struct str line;

    if (text.n > MIGRATION_SIZE_MAX)
        return fail(r, "has more than %d MiB", MIGRATION_SIZE_MAX >> 20);
    if (str_starts_with(text, STR_OF("\xef\xbb\xbf")))
        return fail(r, "begins with a byte order mark; save it without");
    if (!str_is_utf8(text))
        return fail(r, "is not UTF-8");
    if (digest_hex(DIGEST_SHA256, text, hex) != 0 || make_scripts(r, text.n) != 0)
        return -1;
    memcpy(r->m->checksum, hex, CHECKSUM_SIZE);
    while (text.n > 0 && str_split(&text, '\n', &line)) {
        if (read_line(r, line) != 0)
            return -1;
    }
    r->line = 0;
    if (r->part == PART_HEAD)
        return fail(r, "has no line -- migrate:up, below which stands what is to be done");
    return r->does_something ? 0 : fail(r, "does nothing: there is no SQL below -- migrate:up");
}

static int read_file(struct migration *out, struct arena *arena, const char *owner,
                     const struct migration_file *file, struct buf *why)
{
    struct reader r = { .m = out, .arena = arena, .why = why, .engines = FOR_ALL };

    *out = (struct migration){ .owner = owner };
    return read_name(&r, file->path) == 0 ? read_text(&r, file->text) : -1;
}

/* ---- one owner's ---- */

static int compare(const void *a, const void *b)
{
    const struct migration *x = a, *y = b;

    if (x->number != y->number)
        return x->number < y->number ? -1 : 1;
    return strcmp(x->name, y->name);
}

/* Without a gap, so that what is not there can be told from what never was. */
static int check_numbers(const struct migrations *m, struct buf *why)
{
    for (size_t i = 0; i < m->n; i++) {
        const struct migration *one = &m->v[i];
        if (one->number == i + 1)
            continue;
        if (i > 0 && one->number == m->v[i - 1].number)
            buf_add_format(why, "%s: has the number of %s.sql; give it the next free one", one->source,
                           m->v[i - 1].name);
        else
            buf_add_format(why, "%s: there is no %04u before it; numbers begin with 0001 and leave none out",
                           one->source, (unsigned)i + 1);
        return -1;
    }
    return 0;
}

int migrations_read(struct migrations *out, struct arena *arena, const char *owner,
                    const struct migration_file *files, size_t n, struct buf *why)
{
    size_t before = why->n;
    int result = 0;

    *out = (struct migrations){ .owner = arena_copy(arena, str_from(owner)),
                                .v = arena_calloc(arena, (n + 1) * sizeof(*out->v)) };
    for (size_t i = 0; out->owner && out->v && i < n; i++) {
        if (read_file(&out->v[i], arena, out->owner, &files[i], why) == 0)
            out->n++;
        else
            result = -1;
    }
    if (!out->owner || !out->v || (result != 0 && why->n == before)) {
        buf_add_format(why, "%s: migrations cannot be read: out of memory", owner);
        result = -1;
    }
    if (result == 0 && out->n > 0) {
        qsort(out->v, out->n, sizeof(*out->v), compare);
        result = check_numbers(out, why);
    }
    return result;
}
