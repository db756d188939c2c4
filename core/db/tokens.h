/* tokens.h - SQL cut into tokens, exactly as its engine will cut it.
 *
 * Whoever judges SQL by its text must not see a string where the engine sees a name: so what SQLite and PostgreSQL read
 * differently is told apart by the engine, and what only confuses (backticks, U&'..', a ? for a parameter) is refused.
 * Tokens lie in the text that was read. [any thread] */
#ifndef DB_TOKENS_H
#define DB_TOKENS_H

#include "db/db.h"

enum token_kind {
    TOKEN_END,
    TOKEN_WORD,   /* a keyword or a name without quotes */
    TOKEN_QUOTED, /* "name" */
    TOKEN_STRING, /* '..', E'..', $tag$..$tag$ */
    TOKEN_NUMBER,
    TOKEN_PARAMETER, /* $1 */
    TOKEN_NAMED,     /* :tenant */
    TOKEN_CAST,      /* :: */
    TOKEN_SYMBOL,    /* one character of punctuation or of an operator */
    TOKEN_COMMENT,
    TOKEN_WRONG /* what follows cannot be read; see token_reader.wrong */
};

struct token {
    enum token_kind kind;
    struct str text; /* as it was written, quotes included */
    size_t offset;   /* in the SQL */
    size_t partner;  /* of ( and ) in a list: the other one's index */
};

struct token_reader {
    struct str sql;
    enum db_engine engine;
    size_t at;
    bool after_escapes; /* the last token was an E'..' */
    const char *wrong;  /* why the last token is TOKEN_WRONG, and what to write instead */
};

void token_reader_init(struct token_reader *r, struct str sql, enum db_engine engine);

/* The next one, comments too. After the last, and after a wrong one, TOKEN_END. */
struct token token_next(struct token_reader *r);

/* All tokens but comments, and one TOKEN_END that `n` does not count. */
struct tokens {
    struct str sql;
    enum db_engine engine;
    struct token *list;
    size_t n;
    size_t wrong_at; /* the offset of what made tokens_read() refuse */
    size_t deepest;  /* how many parentheses stand in one another */
};

/* 0; DW_EMISUSE (what is wrong, and where, in why: also parentheses that do not match); DW_ENOMEM. */
int tokens_read(struct tokens *out, struct arena *arena, struct str sql, enum db_engine engine,
                struct buf *why);

/* In a list: TOKEN_END stands behind the last, and before the first (at SIZE_MAX). */
const struct token *tokens_at(const struct tokens *tokens, size_t i);
bool tokens_is(const struct tokens *tokens, size_t i, const char *word);
bool tokens_is_any(const struct tokens *tokens, size_t i, const char *const *words, size_t n);
bool tokens_is_symbol(const struct tokens *tokens, size_t i, char c);

/* The next one at the same depth: what stands in parentheses is one step. */
size_t tokens_step(const struct tokens *tokens, size_t i);

bool token_is(const struct token *t, const char *word); /* that word, in any case, without quotes */
bool token_is_symbol(const struct token *t, char c);
bool token_is_name(const struct token *t); /* TOKEN_WORD or TOKEN_QUOTED */

/* The name a word, "quoted" or 'string' stands for: without quotes; in small letters where the engine does not tell
 * capitals apart. NULL: memory is out. */
char *token_name(struct arena *arena, const struct tokens *tokens, const struct token *t);

struct token_place {
    unsigned line, column; /* from 1; columns are characters */
};
struct token_place token_place(struct str sql, size_t offset);

/* Adds "line 1, column 8, at main: " and the sentence to why (NULL: nowhere). Returns DW_EMISUSE. */
int token_refuse(struct buf *why, struct str sql, const struct token *t, const char *format, ...)
    DW_PRINTF(4, 5);

#endif
