#include "db/script.h"

#include "db/tokens.h"

void script_init(struct script *s, struct str text, enum db_engine engine)
{
    s->text = text;
    token_reader_init(&s->reader, text, engine);
}

/* A semicolon inside of a trigger's body ends one of its statements, not the trigger: CREATE TRIGGER ... BEGIN ...; END;
 * CASE ... END is no body. */
struct nesting {
    unsigned words; /* of the statement, as far as it matters */
    bool is_create, is_trigger;
    unsigned depth; /* BEGIN and CASE that have no END yet */
};

static void follow(struct nesting *n, const struct token *t)
{
    if (t->kind != TOKEN_WORD)
        return;
    if (n->words == 0)
        n->is_create = token_is(t, "create");
    n->words++;
    if (n->is_create && !n->is_trigger && n->words <= 5)
        n->is_trigger = token_is(t, "trigger");
    if (n->is_trigger && (token_is(t, "begin") || token_is(t, "case")))
        n->depth++;
    else if (n->depth > 0 && token_is(t, "end"))
        n->depth--;
}

static struct token next_no_comment(struct script *s)
{
    struct token t = token_next(&s->reader);

    while (t.kind == TOKEN_COMMENT)
        t = token_next(&s->reader);
    return t;
}

int script_next(struct script *s, struct script_statement *out, struct buf *why)
{
    struct nesting nesting = { .words = 0 };
    struct token t = next_no_comment(s);

    while (token_is_symbol(&t, ';'))
        t = next_no_comment(s);
    size_t begin = t.offset, end = begin;
    while (t.kind != TOKEN_END && t.kind != TOKEN_WRONG && (nesting.depth > 0 || !token_is_symbol(&t, ';'))) {
        follow(&nesting, &t);
        end = t.offset + t.text.n;
        t = next_no_comment(s);
    }
    if (t.kind == TOKEN_WRONG) {
        token_refuse(why, s->text, &t, "%s", s->reader.wrong);
        return -1;
    }
    if (end == begin)
        return 0;
    out->sql = str_make(s->text.p + begin, end - begin);
    out->line = token_place(s->text, begin).line;
    return 1;
}
