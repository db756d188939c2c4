/* audit.c - /audit: who did what in the tenant. */
#include "audit/query.h"

#include "operations/core_page.h"
#include "operations/tables.h"

/* What both are asked for. 0, or an error. */
static int read_filter(struct core_request *r, struct audit_filter *out)
{
    *out = (struct audit_filter){
        .tenant = r->tenant,
        .actor = core_text(r, "actor"),
        .action = core_text(r, "action"),
        .target = core_text(r, "target"),
        .request = core_text(r, "request"),
    };
    const char *wrong = audit_filter_wrong(out);
    if (wrong)
        return core_fail_at(r, "#/query/action", wrong);
    DW_TRY(core_time(r, "since", &out->since_us));
    return core_time(r, "until", &out->until_us);
}

static int list_audit(struct core_request *r)
{
    struct audit_filter filter;
    struct buf items = BUF_INIT;
    struct core_page page;
    char next[UUID_TEXT_SIZE];

    DW_TRY(read_filter(r, &filter));
    DW_TRY(core_page_read(r, &page));
    int rc = audit_list(r->process->audit, r->s, &filter, page.after, page.limit, &items, next);
    if (rc >= 0)
        rc = core_page_reply_items(r, buf_str(&items), next);
    buf_finish(&items);
    return rc;
}

/* ---- as a file ---- */

struct exporting {
    struct core_request *r;
    enum audit_format format;
    struct http_stream *stream; /* opened with the first piece: until then an error has a status of its own */
};

static int open_stream(struct exporting *e)
{
    static const struct str disposition[] = {
        [AUDIT_NDJSON] = STR("attachment; filename=\"audit.ndjson\""),
        [AUDIT_CSV] = STR("attachment; filename=\"audit.csv\""),
    };

    if (http_reply_header(e->r->x, "Content-Disposition", disposition[e->format]) == 0)
        e->stream = http_stream_open(e->r->x, 200, audit_format_type(e->format));
    return e->stream ? 0 : DW_ENOMEM;
}

static int write_piece(struct str piece, void *ud)
{
    struct exporting *e = ud;

    if (!e->stream)
        DW_TRY(open_stream(e));
    return http_stream_write(e->stream, piece) == 0 ? 0 : DW_EGONE;
}

/* Once something has gone out, a fault can only be shown by cutting the connection. */
static int export_audit(struct core_request *r)
{
    const char *format = core_text(r, "format");
    struct exporting e = { .r = r,
                           .format = format && strcmp(format, "csv") == 0 ? AUDIT_CSV : AUDIT_NDJSON };
    struct audit_filter filter;

    DW_TRY(read_filter(r, &filter));
    int64_t n = audit_export(r->process->audit, r->s, &filter, e.format, write_piece, &e);
    if (n >= 0 && !e.stream)
        DW_TRY(open_stream(&e));
    if (!e.stream)
        return (int)n;
    http_stream_close(e.stream, n >= 0);
    return 0;
}

const struct core_operation core_audit_operations[] = {
    { "listAudit", list_audit },
    { "exportAudit", export_audit },
    { 0 },
};
