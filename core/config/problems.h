/* problems.h - what is wrong with a configuration: all of it at once, each with its place. Not thread-safe. */
#ifndef CONFIG_PROBLEMS_H
#define CONFIG_PROBLEMS_H

#include "util/arena.h"
#include "util/buf.h"

/* Where a value stands. */
struct config_place {
    const char *source; /* "conf.d/core.yaml", "environment DOWEL_CORE__LISTEN", "default"; NULL: nowhere */
    unsigned line;      /* 0: it has none */
};

struct config_problem {
    struct config_problem *next;
    bool warning;
    struct config_place place;
    const char *table, *item; /* "core", "listen"; may be NULL */
    const char *text;         /* "unknown item" */
    const char *hint;         /* "did you mean listen?"; may be NULL */
};

enum { CONFIG_PROBLEMS_MAX = 200 };

struct config_problems {
    struct arena arena;
    struct config_problem *first, **end;
    size_t errors, warnings;
    size_t left_out;    /* beyond CONFIG_PROBLEMS_MAX; counted in the above */
    bool out_of_memory; /* some could not be kept; counts as an error */
};

void config_problems_init(struct config_problems *p);
void config_problems_finish(struct config_problems *p);

/* True when there is an error; warnings do not count. */
bool config_problems_any(const struct config_problems *p);

/* An error, or a warning, without its text. All texts but the format's result are copied. */
struct config_problem config_problem_at(struct config_place place, const char *table, const char *item);
void config_problem_add(struct config_problems *p, struct config_problem problem, const char *format, ...)
    DW_PRINTF(3, 4);

/* "conf.d/core.yaml:4", "environment LOG_LEVEL", "default". */
void config_place_format(struct buf *out, struct config_place place);

/* "conf.d/core.yaml:4: listn: unknown item, did you mean listen?", without a newline. */
void config_problem_format(struct buf *out, const struct config_problem *problem);

/* All of them, a line each. */
void config_problems_format(struct buf *out, const struct config_problems *p);

/* {"ok":false,"errors":[{"file":,"line":,"item":,"text":,"hint":}...],"warnings":[...]} and a newline. */
void config_problems_json(struct buf *out, const struct config_problems *p);

#endif
