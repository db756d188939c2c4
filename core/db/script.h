/* script.h - a script cut into its statements, as its engine would. [any thread] */
#ifndef DB_SCRIPT_H
#define DB_SCRIPT_H

#include "db/tokens.h"

struct script {
    struct token_reader reader;
    struct str text;
};

struct script_statement {
    struct str sql; /* from its first word to its semicolon, or the end */
    unsigned line;  /* of its first word, from 1 */
};

void script_init(struct script *s, struct str text, enum db_engine engine);

/* 1 and the next one, 0 at the end; -1: it cannot be read, and why is in why ("line 4, column 8, at ...: ..."). */
int script_next(struct script *s, struct script_statement *out, struct buf *why);

#endif
