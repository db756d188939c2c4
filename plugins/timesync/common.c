#include "common.h"

enum { TRIES = 6 };

static int once(dw_call *c, int (*work)(dw_call *c, void *ud), void *ud)
{
    int rc, committed;

    DW_TRY(dw_tx_begin(c));
    rc = work(c, ud);
    if (rc < 0)
        return rc;
    committed = dw_tx_commit(c);
    return committed < 0 ? committed : rc;
}

int tx_do(dw_call *c, int (*work)(dw_call *c, void *ud), void *ud)
{
    int rc = 0;

    for (int i = 0; i < TRIES; i++) {
        rc = once(c, work, ud);
        if (rc >= 0)
            return rc;
        DW_TRY(dw_tx_rollback(c));
        if (rc != DW_EUNAVAILABLE)
            return rc;
        DW_TRY(dw_sleep(c, DW_MILLISECONDS(20 << i)));
    }
    return rc;
}

static const char *const billables[] = {
    [DW_BILLABLE_UNSAID] = "unsaid", [DW_BILLABLE_YES] = "yes", [DW_BILLABLE_NO] = "no"
};

const char *billable_word(uint32_t billable)
{
    return billables[billable <= DW_BILLABLE_NO ? billable : DW_BILLABLE_UNSAID];
}

uint32_t billable_from(const char *word)
{
    for (uint32_t b = DW_BILLABLE_NO; b > DW_BILLABLE_UNSAID; b--)
        if (same(word, billables[b]))
            return b;
    return DW_BILLABLE_UNSAID;
}
