/* ask.h - requests to Kimai. */
#ifndef KIMAI_ASK_H
#define KIMAI_ASK_H

#include "kimai.h"

/* The answer of a request that was not carried out, or of one that was. */
struct answer {
    int status;    /* 0: none came */
    json_t *body;  /* NULL: it had none, or one that is no JSON */
    dw_time clock; /* Kimai's, where its head tells; else ours */
    bool foreign;  /* a 404 that is not Kimai's: a proxy's, or another program's. DW_EUPSTREAM */
    dw_answer *raw;
};

/* Reads. 0 and *body; else what the host makes of it, and DW_EUPSTREAM for what is no JSON or leads elsewhere. *out, which may be
 * NULL, is set in any case. */
int ask(dw_call *c, dw_connection *conn, const char *path, dw_list query, json_t **body, struct answer *out);

/* The same in two halves, for several at once. */
int ask_start(dw_call *c, dw_connection *conn, const char *path, dw_list query, dw_fetching **out);
int ask_wait(dw_call *c, dw_connection *conn, dw_fetching *f, json_t **body, struct answer *out);

/* As ask(), for a list that is there in every Kimai: 404 means that the address is not one of a Kimai. *body is an array. */
int ask_list(dw_call *c, dw_connection *conn, const char *path, dw_list query, json_t **body);

/* Writes. 0; DW_EUNKNOWN for everything after which it may have been carried out, and DW_ECANCELLED of a call that is over, which may
 * be under way; any other error: it certainly was not. */
int tell(dw_call *c, dw_connection *conn, const char *method, const char *path, const json_t *body,
         struct answer *out);

/* What was asked before something is written failed: nothing was written, whatever it was. Returns rc, or DW_EUNAVAILABLE where
 * it said that something may have happened. */
int not_yet(dw_call *c, int rc);

/* DW_EUPSTREAM with a sentence if the answer leads elsewhere; else 0. */
int refuse_redirect(dw_call *c, dw_answer *raw);

#endif
