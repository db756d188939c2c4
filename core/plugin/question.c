#include "plugin/question.h"

#include <string.h>

#include "log/log.h"

enum { DEPTH_MAX = 16 };

/* ---- questions in a ring ---- */

/* "hook a.x <- service b.y/1 <- hook a.x": from the newest back to where it stood before. */
static const char *format_ring(dw_call *c, const char *what)
{
    struct buf ring = BUF_INIT;
    const char *text;

    buf_add_text(&ring, what);
    for (const dw_call *asker = c; asker; asker = asker->parent) {
        buf_add_format(&ring, " <- %s", asker->what);
        if (strcmp(asker->what, what) == 0)
            break;
    }
    text = call_copy(c, str_from(buf_text(&ring)));
    buf_finish(&ring);
    return text;
}

int question_check_depth(dw_call *c, const char *what)
{
    unsigned depth = 0;

    for (const dw_call *asker = c->parent; asker; asker = asker->parent)
        depth++;
    if (depth < DEPTH_MAX)
        return 0;
    return call_misuse(c, "questions in a ring, more than %d deep: %s", DEPTH_MAX, format_ring(c, what));
}

/* ---- what it answered ---- */

int question_judge(dw_call *child, const struct answerer *a, int rc, int most)
{
    if (rc >= DW_EINTERNAL && rc <= most)
        return rc >= 0 && atomic_load(&child->flags) & CALL_POISONED ? DW_ENOMEM : rc;
    log_error("a plugin's answer is none that can be given", LOG_TEXT("plugin", a->by->name),
              LOG_TEXT("callback", a->what), LOG_NUMBER("returned", rc));
    return call_fail(child, DW_EINTERNAL, "%s: plugin %s returned %d, which means nothing", a->what,
                     a->by->name, rc);
}

/* What the answerer's dw_fail_at() marked, as one text: the pointers are into its question, not into the asker's input.
 * They were kept in the language of who asks alone: here the log has them in that too. */
static void carry_marks(dw_call *c, const dw_call *child, int rc)
{
    struct buf text = BUF_INIT;

    for (size_t i = 0; i < child->errors_n; i++)
        buf_add_format(&text, "%s%.*s: %.*s", i ? "; " : "", STR_ARG(child->errors[i].pointer),
                       STR_ARG(child->errors[i].detail));
    call_fail(c, rc, "%s", buf_text(&text));
    if (child->errors_said_n == child->errors_n)
        call_say(c, buf_text(&text));
    call_reason(c, child->error.reason);
    buf_finish(&text);
}

void question_carry(dw_call *c, const dw_call *child, const struct answerer *a, int rc)
{
    const dw_err *e = &child->error;

    if (rc == DW_EINVALID && child->errors_n > 0) {
        carry_marks(c, child, rc);
        return;
    }
    if (e->code != rc || !*e->text) {
        call_fail_inner(c, rc, "%s: plugin %s refused and did not say why", a->what, a->by->name);
        return;
    }
    call_fail_detail(c, rc, e->detail, "%s", e->text);
    if (e->said != e->text)
        call_say(c, e->said);
    c->error.retry_after = e->retry_after;
    call_reason(c, e->reason);
    c->error_from_peer = child->error_from_peer;
    c->error_is_inner = child->error_is_inner;
}
