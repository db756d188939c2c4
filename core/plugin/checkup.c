#include "plugin/checkup.h"

#include <string.h>

#include "plugin/kept.h"
#include "plugin/values.h"
#include "plugin/words.h"

static struct kept_pool pool = KEPT_POOL(dw_checkup);

dw_checkup *checkup_open(dw_call *c, struct connection_answer *into)
{
    dw_checkup *out = kept_take(&pool);

    if (!out)
        return NULL;
    out->c = c;
    out->into = into;
    return out;
}

void checkup_close(dw_checkup *out)
{
    kept_give(&pool, out);
}

static const char *wrong_line(int state, const char *name, dw_list l)
{
    if (state != DW_CHECK_GOOD && state != DW_CHECK_WARNING)
        return "with a state that is none of enum dw_check_state";
    if (!name || !*name || !str_is_utf8(str_from(name)))
        return "without a name";
    if (l.n == 0 || l.v[0].type != DW_TEXT || !l.v[0].as.p)
        return "with something else where its text is wanted";
    const dw_list pairs = { l.v + 1, l.n - 1 };
    const char *wrong = pairs_wrong(pairs);
    return wrong ? wrong : pairs_values_wrong(pairs);
}

static bool reserve(dw_checkup *out)
{
    struct connection_answer *into = out->into;
    size_t cap = out->cap ? 2 * out->cap : 8;

    if (into->checks_n < out->cap)
        return true;
    struct connection_checked *larger = arena_calloc(&into->arena, cap * sizeof(*larger));
    if (!larger)
        return false;
    if (into->checks_n > 0)
        memcpy(larger, into->checks, into->checks_n * sizeof(*larger));
    into->checks = larger;
    out->cap = cap;
    return true;
}

static bool write(dw_checkup *out, struct connection_checked *line, const char *name, dw_list l)
{
    struct arena *arena = &out->into->arena;
    struct str text = value_text(&l.v[0]);
    const char *said = words_for(out->c->instance, out->c->asker, text);
    struct buf pairs = BUF_INIT;
    bool good = pairs_write_json(&pairs, (dw_list){ l.v + 1, l.n - 1 }) == 0 && !buf_failed(&pairs);

    line->name = arena_copy(arena, str_from(name));
    line->text = arena_copy(arena, text);
    line->said = said ? arena_copy(arena, str_from(said)) : line->text;
    line->pairs = good ? arena_copy(arena, buf_str(&pairs)) : NULL;
    buf_finish(&pairs);
    return line->name && line->text && line->said && line->pairs;
}

void checkup_note(dw_checkup *out, int state, const char *name, dw_list text_and_pairs)
{
    static const char step[] = "dw_checked";
    const char *wrong;

    if (!out || !call_is_mine(out->c)) {
        call_stray(out ? out->c : NULL, step);
        return;
    }
    wrong = wrong_line(state, name, text_and_pairs);
    if (!wrong && out->into->checks_n == CHECKUP_MAX)
        wrong = "more than 100 times";
    if (wrong) {
        call_misuse(out->c, "%s %s", step, wrong);
        return;
    }
    struct connection_checked line = { .state = state };
    if (reserve(out) && write(out, &line, name, text_and_pairs))
        out->into->checks[out->into->checks_n++] = line;
    else
        call_poison(out->c, "out of memory");
}
