/* Until statement.c is here: $n becomes ?n. */
#include <stdlib.h>
#include <strings.h>

#include "db/statement.h"

int statement_read(struct statement **out, struct arena *arena, const char *sql,
                   const struct statement_rules *rules, struct buf *why)
{
    struct statement *st = arena_calloc(arena, sizeof(*st));
    char *text = arena_copy(arena, str_from(sql));
    const char *p = sql + strspn(sql, " \n\t(");

    (void)why;
    if (!st || !text)
        return DW_ENOMEM;
    st->text = text;
    st->kind = !strncasecmp(p, "INSERT", 6)   ? STATEMENT_INSERT
               : !strncasecmp(p, "UPDATE", 6) ? STATEMENT_UPDATE
               : !strncasecmp(p, "DELETE", 6) ? STATEMENT_DELETE
               : !strncasecmp(p, "SELECT", 6) ? STATEMENT_SELECT
                                              : STATEMENT_OTHER;
    st->writes =
        st->kind != STATEMENT_SELECT && strncasecmp(p, "WITH", 4) != 0 && strncasecmp(p, "PRAGMA", 6) != 0;
    st->is_returning = strstr(sql, "RETURNING") || strstr(sql, "returning");
    for (char *q = text; *q; q++) {
        if (*q == '\'')
            for (q++; *q && *q != '\''; q++)
                ;
        if (!*q)
            break;
        if (*q == '$' && rules->engine == DB_SQLITE && q[1] >= '0' && q[1] <= '9')
            *q = '?';
        if ((*q == '?' || *q == '$') && (size_t)atoi(q + 1) > st->values_n)
            st->values_n = (size_t)atoi(q + 1);
    }
    st->parameters_n = st->values_n;
    st->parameters = arena_calloc(arena, (st->parameters_n + 1) * sizeof(*st->parameters));
    if (!st->parameters)
        return DW_ENOMEM;
    for (size_t i = 0; i < st->parameters_n; i++)
        st->parameters[i] = (struct statement_parameter){ STATEMENT_VALUE, (unsigned)i };
    *out = st;
    return 0;
}
