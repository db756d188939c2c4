/* verify.h - is the audit log what was written? Reads all of it, a few hundred records at a time, while it grows.
 *
 * Each record is compared with its hash, each hash with the one before, the last with the checkpoint, and the checkpoint with
 * its token. What cannot be seen from the database alone is that somebody put back an older copy of all of it: whoever notes
 * down a sequence number and its hash now and then can ask for them. */
#ifndef AUDIT_VERIFY_H
#define AUDIT_VERIFY_H

#include "audit/chain.h"

enum verify_kind {
    VERIFY_CHANGED,    /* the record at `seq` is not what was sealed */
    VERIFY_REMOVED,    /* the records from `seq` to `until` are missing */
    VERIFY_ADDED,      /* the record at `seq` stands behind the end of the chain */
    VERIFY_HEAD_WRONG, /* the checkpoint is not confirmed, or missing: `text` says how */
    VERIFY_OTHER       /* what was expected at `seq` is not there, or was another one: `text` */
};

struct verify_finding {
    enum verify_kind kind;
    int64_t seq, until;
    const char *id;   /* of the record, or "" */
    const char *text; /* a sentence without its full stop */
};

/* What somebody has noted down. */
struct verify_expected {
    int64_t seq; /* 0: nothing */
    char hash[CHAIN_HASH_SIZE];
};

struct verify {
    struct verify_expected expected;
    /* For each finding; texts are borrowed. May be NULL. */
    void (*found)(const struct verify_finding *f, void *ud);
    void *ud;

    int64_t findings;           /* how many; 0: all is well */
    int64_t records;            /* that were looked at */
    int64_t removed;            /* were removed because they were old */
    int64_t unsealed;           /* wait for their place in the chain */
    int64_t oldest_unsealed_us; /* 0: none */
    int64_t seq;                /* up to where it was verified, */
    char hash[CHAIN_HASH_SIZE]; /* and the hash there: to be noted down */
};

/* Fills the lower half. 0, whatever was found; or an error, which says nothing about the log. */
int audit_verify(struct verify *v, struct db_session *s, const struct keyring *keyring);

/* "17:ab01...": 0, or -1. */
int verify_expected_parse(const char *text, struct verify_expected *out);

#endif
