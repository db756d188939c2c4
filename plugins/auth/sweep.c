/* sweep.c - what is over is taken away; what will be soon is told. */
#include "auth.h"
#include "credentials.h"
#include "keys.h"
#include "refresh.h"
#include "throttle.h"

/* Kept for so long after their end, for those who look into the list. */
#define KEPT DW_HOURS(30 * 24)

int auth_sweep(dw_call *c, dw_job *job)
{
    const dw_time now = dw_now(c);

    DW_TRY(keys_warn(c));
    DW_TRY(dw_db_exec(c, "DELETE FROM auth_codes WHERE ends_at < $1", (dw_time){ now.us - DW_HOURS(24).us }));
    DW_TRY(dw_db_exec(c,
                      "UPDATE auth_refresh SET successor = NULL WHERE successor IS NOT NULL AND used_at < $1",
                      (dw_time){ now.us - DW_MINUTES(1).us - REFRESH_GRACE.us }));
    DW_TRY(dw_db_exec(c, "DELETE FROM auth_sessions WHERE ends_at < $1 OR ended_at < $1",
                      (dw_time){ now.us - KEPT.us }));
    DW_TRY(dw_db_exec(c, "DELETE FROM auth_keys WHERE ends_at < $1 OR revoked_at < $1",
                      (dw_time){ now.us - KEPT.us }));
    DW_TRY(dw_db_exec(c, "DELETE FROM auth_signing_keys WHERE ends_at < $1", (dw_time){ now.us - KEPT.us }));
    return throttle_sweep(c, job);
}
