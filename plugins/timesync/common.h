/* common.h - what all files of the engine use: copies, instants that may be null, transactions that are repeated. [call] */
#ifndef TIMESYNC_COMMON_H
#define TIMESYNC_COMMON_H

#include <dowel/dowel.h>

#include <string.h>

/* A text in the call's (or scope's) memory; NULL is "". */
static inline const char *own(dw_call *c, const char *text)
{
    return text && *text ? dw_copy(c, (dw_str){ text, strlen(text) }) : "";
}

static inline const char *own_or_null(dw_call *c, const char *text)
{
    return text ? own(c, text) : NULL;
}

static inline const char *or_empty(const char *text)
{
    return text ? text : "";
}

static inline bool same(const char *a, const char *b)
{
    return strcmp(or_empty(a), or_empty(b)) == 0;
}

static inline bool is_one_of(const char *text, const char *a, const char *b)
{
    return same(text, a) || same(text, b);
}

/* A sentence that is kept, for people: as dw_fail() has it, constant and followed by its pairs, so that whoever reads it is told
 * what locales/de.json has for it (x-said in api.yaml). In the call's (or scope's) memory. */
#define sentence(c, ...) ((void)dw_fail((c), DW_EINVALID, __VA_ARGS__), own((c), dw_error_of(c)->text))

/* Statements with more values than DW_LIST takes are arrays of these; an instant of 0 is null. */
static inline dw_value db_time(dw_time t)
{
    return t.us ? dw_v_time_(t) : dw_v_null_(NULL);
}
#define DB_LIST(array) ((dw_list){ (array), sizeof(array) / sizeof(*(array)) })

static inline dw_time later(dw_time t, dw_span by)
{
    return (dw_time){ t.us + by.us };
}

/* work(c, ud) in a transaction of its own, a few times more where the database wants that: after the call has spoken to
 * the outside the host does not repeat it any more. work leaves the transaction open; what it does beside it must bear to
 * be done again. Its result, or the commit's error. */
int tx_do(dw_call *c, int (*work)(dw_call *c, void *ud), void *ud);

/* enum dw_billable as people and programs read it: "unsaid", "yes", "no"; unsaid for what is none of these. */
const char *billable_word(uint32_t billable);
uint32_t billable_from(const char *word);

#endif
