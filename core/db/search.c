#include "db/search.h"

/* How many of the characters that make a word of one: more than any word has, less than PostgreSQL takes. */
enum { WORD_MAX = 200 };

/* ---- what it is made of ---- */

/* What SQLite's unicode61 makes of a row, in three columns. The tenant is one word. */
static const char sqlite_tables[] =
    "CREATE TABLE dowel_search_% (n INTEGER PRIMARY KEY, tenant_id, id, UNIQUE (tenant_id, id));\n"
    "CREATE VIRTUAL TABLE dowel_words_% USING fts5 (tenant, first, rest, content = '',\n"
    "    tokenize = 'unicode61 remove_diacritics 0');\n";

/* Without the texts themselves FTS5 forgets a row only when it is told what it had. */
static const char sqlite_forget[] =
    "    INSERT INTO dowel_words_% (dowel_words_%, rowid, tenant, first, rest)\n"
    "        SELECT 'delete', n, @ FROM dowel_search_% WHERE tenant_id = OLD.tenant_id AND id = OLD.id;\n"
    "    DELETE FROM dowel_search_% WHERE tenant_id = OLD.tenant_id AND id = OLD.id;\n";

static const char sqlite_learn[] =
    "    INSERT INTO dowel_search_% (tenant_id, id) VALUES (NEW.tenant_id, NEW.id);\n"
    "    INSERT INTO dowel_words_% (rowid, tenant, first, rest)\n"
    "        SELECT n, @ FROM dowel_search_% WHERE tenant_id = NEW.tenant_id AND id = NEW.id;\n";

static const char sqlite_fill[] =
    "INSERT INTO dowel_search_% (tenant_id, id) SELECT tenant_id, id FROM \"%\";\n"
    "INSERT INTO dowel_words_% (rowid, tenant, first, rest)\n"
    "    SELECT s.n, @ FROM dowel_search_% s JOIN \"%\" t ON t.tenant_id = s.tenant_id AND t.id = s.id;\n";

static const char sqlite_down[] = "DROP TRIGGER IF EXISTS dowel_search_%_insert;\n"
                                  "DROP TRIGGER IF EXISTS dowel_search_%_update;\n"
                                  "DROP TRIGGER IF EXISTS dowel_search_%_delete;\n"
                                  "DROP TABLE IF EXISTS dowel_words_%;\n"
                                  "DROP TABLE IF EXISTS dowel_search_%;\n";

/* The key has the types of the table's, whatever they are. dowel_search_words() is a migration of the core's. */
static const char postgres_table[] =
    "CREATE TABLE dowel_search_% AS SELECT tenant_id, id, NULL::tsvector AS words FROM \"%\" WHERE false;\n"
    "ALTER TABLE dowel_search_% ADD PRIMARY KEY (tenant_id, id);\n"
    "CREATE INDEX ON dowel_search_% USING gin (words);\n";

static const char postgres_trigger[] =
    "CREATE FUNCTION dowel_search_%() RETURNS trigger LANGUAGE plpgsql AS $body$\n"
    "BEGIN\n"
    "    IF TG_OP <> 'INSERT' THEN\n"
    "        DELETE FROM dowel_search_% WHERE tenant_id = OLD.tenant_id AND id = OLD.id;\n"
    "    END IF;\n"
    "    IF TG_OP <> 'DELETE' THEN\n"
    "        INSERT INTO dowel_search_% VALUES (NEW.tenant_id, NEW.id, @);\n"
    "    END IF;\n"
    "    RETURN NULL;\n"
    "END\n"
    "$body$;\n";

static const char postgres_fill[] = "INSERT INTO dowel_search_% SELECT t.tenant_id, t.id, @ FROM \"%\" t;\n";

static const char postgres_down[] = "DROP TRIGGER IF EXISTS dowel_search_% ON \"%\";\n"
                                    "DROP FUNCTION IF EXISTS dowel_search_%();\n"
                                    "DROP TABLE IF EXISTS dowel_search_%;\n";

/* ---- making it ---- */

struct writer {
    struct buf *out;
    enum db_engine engine;
    const struct search_table *search;
    const char *row; /* whose columns: NEW, OLD, t */
};

/* The texts from the k-th column to the end, a blank between them. */
static void add_texts(const struct writer *w, size_t from, size_t end)
{
    for (size_t i = from; i < end; i++)
        buf_add_format(
            w->out, w->engine == DB_SQLITE ? "%scoalesce(%s.\"%s\", '')" : "%scoalesce(%s.\"%s\"::text, '')",
            i > from ? " || ' ' || " : "", w->row, w->search->columns[i]);
    if (from == end)
        buf_add_text(w->out, "''");
}

static void add_words(const struct writer *w)
{
    if (w->engine == DB_SQLITE) {
        buf_add_format(w->out, "replace(%s.tenant_id, '-', ''), substr(", w->row);
        add_texts(w, 0, 1);
        buf_add_text(w->out, ", 1, 10000), substr(");
        add_texts(w, 1, w->search->columns_n);
        buf_add_text(w->out, ", 1, 100000)");
    } else {
        buf_add_format(w->out, "dowel_search_words(%s.tenant_id::text, ", w->row);
        add_texts(w, 0, 1);
        buf_add_text(w->out, ", ");
        add_texts(w, 1, w->search->columns_n);
        buf_add_char(w->out, ')');
    }
}

/* Where the text has a %, the table's name comes, where it has an @, the row's words. */
static void add(struct writer *w, const char *text, const char *row)
{
    w->row = row;
    for (; *text; text++) {
        if (*text == '%')
            buf_add_text(w->out, w->search->table);
        else if (*text == '@')
            add_words(w);
        else
            buf_add_char(w->out, *text);
    }
}

/* A change of what is not searched costs nothing. */
static void add_columns(const struct writer *w)
{
    buf_add_text(w->out, "UPDATE OF tenant_id, id");
    for (size_t i = 0; i < w->search->columns_n; i++)
        buf_add_format(w->out, ", \"%s\"", w->search->columns[i]);
    buf_add_format(w->out, " ON \"%s\"", w->search->table);
}

static void add_sqlite_triggers(struct writer *w)
{
    add(w, "CREATE TRIGGER dowel_search_%_insert AFTER INSERT ON \"%\" BEGIN\n", NULL);
    add(w, sqlite_learn, "NEW");
    add(w, "END;\nCREATE TRIGGER dowel_search_%_delete AFTER DELETE ON \"%\" BEGIN\n", NULL);
    add(w, sqlite_forget, "OLD");
    add(w, "END;\nCREATE TRIGGER dowel_search_%_update AFTER ", NULL);
    add_columns(w);
    buf_add_text(w->out, " BEGIN\n");
    add(w, sqlite_forget, "OLD");
    add(w, sqlite_learn, "NEW");
    buf_add_text(w->out, "END;\n");
}

static void add_postgres_trigger(struct writer *w)
{
    add(w, postgres_trigger, "NEW");
    add(w, "CREATE TRIGGER dowel_search_% AFTER INSERT OR DELETE OR ", NULL);
    add_columns(w);
    add(w, " FOR EACH ROW EXECUTE FUNCTION dowel_search_%();\n", NULL);
}

void search_write_up(struct buf *out, enum db_engine engine, const struct search_table *search)
{
    struct writer w = { out, engine, search, NULL };

    search_write_down(out, engine, search->table);
    if (engine == DB_SQLITE) {
        add(&w, sqlite_tables, NULL);
        add_sqlite_triggers(&w);
        add(&w, sqlite_fill, "t");
    } else {
        add(&w, postgres_table, NULL);
        add_postgres_trigger(&w);
        add(&w, postgres_fill, "t");
    }
}

void search_write_down(struct buf *out, enum db_engine engine, const char *table)
{
    const struct search_table search = { .table = table };
    struct writer w = { out, engine, &search, NULL };

    add(&w, engine == DB_SQLITE ? sqlite_down : postgres_down, NULL);
}

bool search_is_name(struct str name)
{
    for (size_t i = 0; i < name.n; i++) {
        if (name.p[i] != '_' && !(name.p[i] >= 'a' && name.p[i] <= 'z') &&
            !(i > 0 && name.p[i] >= '0' && name.p[i] <= '9'))
            return false;
    }
    return name.n > 0 && name.p[0] != '_' && name.n <= SEARCH_TABLE_MAX;
}

/* ---- what was typed ---- */

/* The length of the character there; what is no UTF-8 counts as a byte. Its number is in *out. */
static size_t decode(struct str s, uint32_t *out)
{
    unsigned char lead = (unsigned char)s.p[0];
    size_t n = lead < 0xc0 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;

    *out = n == 1 ? lead : lead & (0x7fU >> n);
    if (n > s.n)
        return 1;
    for (size_t i = 1; i < n; i++)
        *out = *out << 6 | ((unsigned char)s.p[i] & 0x3fU);
    return n;
}

/* The same that dowel_search_fold() makes blanks of. */
static bool is_between_words(uint32_t c)
{
    static const struct {
        uint32_t first, last;
    } ranges[] = {
        { 0x00, 0x2f },     { 0x3a, 0x40 },       { 0x5b, 0x60 },     { 0x7b, 0xa9 },     { 0xab, 0xb1 },
        { 0xb4, 0xb4 },     { 0xb6, 0xb8 },       { 0xbb, 0xbb },     { 0xbf, 0xbf },     { 0xd7, 0xd7 },
        { 0xf7, 0xf7 },     { 0x2000, 0x206f },   { 0x2190, 0x2bff }, { 0x3000, 0x3004 }, { 0x3008, 0x3020 },
        { 0xfe00, 0xfe0f }, { 0x1f000, 0x1faff },
    };
    size_t i = 0;

    while (i < DW_COUNT_OF(ranges) && c > ranges[i].last)
        i++;
    return i < DW_COUNT_OF(ranges) && c >= ranges[i].first;
}

/* The next word of the text, cut off its front. A very long one is its beginning. False: there is none. */
static bool next_word(struct str *text, struct str *word, bool *was_cut)
{
    uint32_t c = 0;
    size_t n;

    while (text->n > 0 && (n = decode(*text, &c), is_between_words(c)))
        *text = str_make(text->p + n, text->n - n);
    *word = str_make(text->p, 0);
    *was_cut = false;
    while (text->n > 0 && (n = decode(*text, &c), !is_between_words(c))) {
        *was_cut |= word->n + n > WORD_MAX;
        word->n += *was_cut ? 0 : n;
        *text = str_make(text->p + n, text->n - n);
    }
    return word->n > 0;
}

/* What stands between blanks, or between quotes. */
struct term {
    struct str text;
    bool is_excluded, is_quoted, is_beginning;
};

static bool is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool next_term(struct str *typed, struct term *out)
{
    size_t n = 0;

    *out = (struct term){ .text = STR_OF("") };
    while (typed->n > 0 && is_blank(*typed->p))
        *typed = str_make(typed->p + 1, typed->n - 1);
    if (typed->n > 1 && *typed->p == '-' && !is_blank(typed->p[1])) {
        out->is_excluded = true;
        *typed = str_make(typed->p + 1, typed->n - 1);
    }
    if (typed->n == 0)
        return false;
    out->is_quoted = *typed->p == '"';
    if (out->is_quoted)
        *typed = str_make(typed->p + 1, typed->n - 1);
    while (n < typed->n && typed->p[n] != '"' && (out->is_quoted || !is_blank(typed->p[n])))
        n++;
    out->text = str_make(typed->p, n);
    out->is_beginning = !out->is_quoted && n > 0 && typed->p[n - 1] == '*';
    n += out->is_quoted && n < typed->n;
    *typed = str_make(typed->p + n, typed->n - n);
    return true;
}

/* ---- as the engine asks ---- */

struct question {
    enum db_engine engine;
    struct buf wanted, unwanted;
    bool is_or; /* the newest word was OR */
    unsigned words;
};

/* SQLite: "disk full" *. PostgreSQL: ('disk' <-> 'full':*). Its words, or 0. */
static unsigned add_term(struct question *q, struct buf *out, struct term term)
{
    bool is_sqlite = q->engine == DB_SQLITE, was_cut = false;
    struct str word;
    unsigned n = 0;

    while (q->words < SEARCH_WORDS_MAX && next_word(&term.text, &word, &was_cut)) {
        if (n++ == 0)
            buf_add_char(out, is_sqlite ? '"' : '(');
        else
            buf_add_text(out, is_sqlite ? " " : was_cut ? ":* <-> " : " <-> ");
        q->words++;
        if (is_sqlite)
            buf_add_str(out, word);
        else
            buf_add_format(out, "'%.*s'", STR_ARG(word));
        if (was_cut)
            break;
    }
    if (n > 0)
        buf_add_text(out, is_sqlite ? (was_cut || term.is_beginning ? "\" *" : "\"")
                                    : (was_cut || term.is_beginning ? ":*)" : ")"));
    return n;
}

static bool has_word(struct str text)
{
    struct str word;
    bool was_cut;

    return next_word(&text, &word, &was_cut);
}

static void add_wanted(struct question *q, struct term term)
{
    bool is_sqlite = q->engine == DB_SQLITE, is_first = q->wanted.n == 0;

    if (q->words == SEARCH_WORDS_MAX)
        return;
    if (!is_first && q->is_or)
        buf_add_text(&q->wanted, is_sqlite ? " OR " : " | ");
    else if (!is_first)
        buf_add_text(&q->wanted, is_sqlite ? ") AND (" : ") & (");
    add_term(q, &q->wanted, term);
    q->is_or = false;
}

static void add_unwanted(struct question *q, struct term term)
{
    if (q->words == SEARCH_WORDS_MAX)
        return;
    q->is_or = false;
    if (q->unwanted.n > 0)
        buf_add_text(&q->unwanted, q->engine == DB_SQLITE ? " OR " : " | ");
    add_term(q, &q->unwanted, term);
}

static void write_question(struct buf *out, const struct question *q)
{
    bool is_sqlite = q->engine == DB_SQLITE;

    buf_add_text(out, is_sqlite ? "{first rest} : ((" : "((");
    buf_add_str(out, buf_str(&q->wanted));
    buf_add_text(out, "))");
    if (q->unwanted.n > 0) {
        buf_add_text(out, is_sqlite ? " NOT {first rest} : (" : " & !(");
        buf_add_str(out, buf_str(&q->unwanted));
        buf_add_char(out, ')');
    }
}

bool search_write_question(struct buf *out, enum db_engine engine, struct str typed)
{
    struct question q = { .engine = engine, .wanted = BUF_INIT, .unwanted = BUF_INIT };
    struct term term;

    while (next_term(&typed, &term)) {
        if (!term.is_excluded && !term.is_quoted && str_equal(term.text, STR_OF("OR")))
            q.is_or = true;
        else if (has_word(term.text) && term.is_excluded)
            add_unwanted(&q, term);
        else if (has_word(term.text))
            add_wanted(&q, term);
    }
    bool has_any = q.wanted.n > 0;
    if (has_any)
        write_question(out, &q);
    else
        buf_add_text(out, engine == DB_SQLITE ? "\"none\" NOT \"none\"" : "'none' & !'none'");
    if (buf_failed(&q.wanted) || buf_failed(&q.unwanted))
        out->failed = true;
    buf_finish(&q.wanted);
    buf_finish(&q.unwanted);
    return has_any;
}

/* ---- the statement ---- */

/* The newest that fit, so that a word which stands in every row costs no more than so many; then the best of them first.
 * The tenant is asked for twice: as a word, which is fast, and as what it is, which is certain. */
static const char sqlite_found[] =
    "SELECT s.id, row_number() OVER (ORDER BY m.rank, m.n DESC) FROM (SELECT rowid AS n,"
    " bm25(dowel_words_%s, 0, 4.0, 1.0) AS rank FROM dowel_words_%s WHERE dowel_words_%s MATCH"
    " 'tenant : \"' || coalesce(replace(:tenant, '-', ''), 'none') || '\" AND (' || $%zu || ')'"
    " ORDER BY rowid DESC LIMIT %d) m JOIN dowel_search_%s s ON s.n = m.n WHERE s.tenant_id = :tenant";

static const char postgres_found[] =
    "SELECT m.id, row_number() OVER (ORDER BY m.rank DESC, m.id DESC) FROM (SELECT s.id, ts_rank("
    "'{0.25, 0.25, 0.25, 1.0}', s.words, to_tsquery('pg_catalog.simple', dowel_search_lower($%zu))) AS rank"
    " FROM dowel_search_%s s WHERE s.words @@ to_tsquery('pg_catalog.simple', dowel_search_lower($%zu))"
    " AND s.words @@ CAST('''t:' || CAST(CAST(:tenant AS uuid) AS text) || '''' AS tsquery)"
    " AND s.tenant_id = CAST(:tenant AS uuid) LIMIT %d) m";

void search_write_statement(struct buf *out, enum db_engine engine, const char *table, const char *select,
                            size_t value)
{
    buf_add_text(out, "WITH found (id, place) AS MATERIALIZED (");
    if (engine == DB_SQLITE)
        buf_add_format(out, sqlite_found, table, table, table, value, (int)SEARCH_FOUND_MAX, table);
    else
        buf_add_format(out, postgres_found, value, table, value, (int)SEARCH_FOUND_MAX);
    buf_add_text(out, ") ");
    buf_add_text(out, select);
}
