#include "counts.h"

#include "common.h"

static int of_reading(dw_call *c, const char *run, struct counts *out)
{
    json_t *read = NULL;

    DW_TRY(dw_db_get(c, DW_TO(&read), "SELECT read_counts FROM timesync_runs WHERE id = $1", run));
    return dw_json_read(c, read, "unchanged", &out->unchanged, "skipped", &out->skipped, "to_decide",
                        &out->to_decide);
}

static int64_t *place_of(struct counts *out, const char *outcome)
{
    const struct {
        const char *outcome;
        int64_t *at;
    } places[] = {
        { "", &out->open },           { "created", &out->created },     { "adopted", &out->adopted },
        { "updated", &out->updated }, { "unchanged", &out->unchanged }, { "deleted", &out->deleted },
        { "skipped", &out->skipped }, { "deciding", &out->to_decide },  { "failed", &out->failed },
    };

    for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++)
        if (same(places[i].outcome, outcome))
            return places[i].at;
    return NULL;
}

int counts_of(dw_call *c, const char *run, struct counts *out)
{
    const char *outcome;
    int64_t n, steps = 0;
    dw_rows *rows;
    int rc;

    *out = (struct counts){ 0 };
    DW_TRY(of_reading(c, run, out));
    out->examined = out->unchanged + out->skipped + out->to_decide;
    DW_TRY(dw_db_query(c, &rows,
                       "SELECT outcome, count(*) FROM timesync_steps WHERE run = $1 GROUP BY outcome", run));
    while ((rc = dw_rows_next(rows, &outcome, &n)) > 0) {
        int64_t *at = place_of(out, outcome);

        if (at)
            *at += n;
        steps += n;
    }
    DW_TRY(rc);
    out->examined += steps - out->open;
    out->created += out->adopted;
    if (out->examined != out->created + out->updated + out->unchanged + out->deleted + out->skipped +
                             out->to_decide + out->failed)
        dw_error(c, "a run's numbers do not add up", "run", run, "examined", out->examined);
    return 0;
}

int counts_write(dw_call *c, const char *run)
{
    struct counts n;

    DW_TRY(counts_of(c, run, &n));
    return dw_db_change(
        c,
        "UPDATE timesync_runs SET examined = $2, created = $3, updated = $4, unchanged = $5, deleted = $6,"
        " skipped = $7, to_decide = $8, failed = $9, adopted = $10 WHERE id = $1",
        run, n.examined, n.created, n.updated, n.unchanged, n.deleted, n.skipped, n.to_decide, n.failed,
        n.adopted);
}
