/* nightly - something that happens by itself, when the admin says. */
#include <dowel/dowel.h>

struct nightly_conf {
    const char *when;
};

static const dw_item items[] = {
    DW_ITEM(struct nightly_conf, when, .fallback = "\"0 3 * * *\"",
            .help = "When to tidy up: as `dowel schedule next` understands it, or off"),
    { 0 },
};

/* `at` is the instant for which the job was added, also where it runs later: whoever asks for "everything until now" asks
 * for the same on each attempt. */
static int tidy(dw_call *c, dw_job *job)
{
    dw_time at;

    DW_TRY(dw_job_read(job, "at", &at));
    dw_count(c, "tidied", 1);
    dw_info(c, "tidied up", "until", at);
    return 0;
}

static const dw_job_kind jobs[] = {
    { .name = "tidy", .run = tidy },
    { 0 },
};

static const dw_schedule schedules[] = {
    { .name = "night", .job = "tidy", .when = "conf:when", .across_tenants = true },
    { .name = "hourly", .job = "tidy", .when = "0 * * * *", .misfire = "all" },
    { 0 },
};

DOWEL_PLUGIN(.name = "nightly", .version = "0.1.0", .summary = "An example: schedules", .license = "MIT",
             .conf = DW_ITEMS(struct nightly_conf, items), .jobs = jobs, .schedules = schedules);
