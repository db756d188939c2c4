#include "failure.h"

#include "common.h"

static enum failure_kind kind_of(int rc, bool has_reason, bool written)
{
    switch (rc) {
    case DW_EINVALID:
    case DW_ECONFLICT:
    case DW_EPRECONDITION:
    case DW_ENOTFOUND: return FAILURE_REFUSED;
    case DW_EAUTH: return FAILURE_STOPS;
    case DW_EDENIED: return has_reason ? FAILURE_REFUSED : FAILURE_STOPS;
    case DW_ERATE: return FAILURE_WAITS;
    case DW_EUNAVAILABLE: return FAILURE_AGAIN;
    case DW_EUNKNOWN:
    case DW_EUPSTREAM:
    case DW_ETOOLARGE:
        /* An error page, or half an answer, may come after the deed. */
        return has_reason ? FAILURE_REFUSED : written ? FAILURE_UNKNOWN : FAILURE_AGAIN;
    default: return FAILURE_BROKEN;
    }
}

static enum reason reason_by_kind(enum failure_kind kind)
{
    switch (kind) {
    case FAILURE_STOPS: return REASON_AUTH_EXPIRED;
    case FAILURE_WAITS: return REASON_RATE_LIMITED;
    case FAILURE_REFUSED: return REASON_CREATION_ERROR;
    default: return REASON_UNREACHABLE;
    }
}

struct failure failure_of(dw_call *c, int rc, bool written)
{
    const dw_err *err = dw_error_of(c);
    const bool is_told = err->code == rc;
    const char *reason = is_told && err->reason ? err->reason : "";
    struct failure f = { .code = rc };

    f.kind = kind_of(rc, *reason != '\0', written);
    f.reason = *reason ? reason_from(reason) : reason_by_kind(f.kind);
    f.text = is_told ? own(c, err->text) : "";
    f.after = is_told && err->retry_after.us > 0 ? err->retry_after : DW_SECONDS(60);
    return f;
}
