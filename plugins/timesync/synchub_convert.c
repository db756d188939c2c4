#include "synchub_convert.h"

#include <ctype.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <strings.h>

#include "common.h"
#include "synchub_cron.h"

/* What it did where the setting is missing, also after its console had lost it. */
static const char its_country[] = "BE", its_currency[] = "EUR", its_zone[] = "Europe/Brussels";

/* ---- settings ---- */

/* A text or a number, as text; "" for none. */
static const char *setting(dw_call *c, const struct synchub_connector *from, const char *name)
{
    const json_t *value = json_object_get(from->settings, name);

    if (json_is_integer(value))
        return dw_format(c, "%lld", (long long)json_integer_value(value));
    return json_is_string(value) ? own(c, json_string_value(value)) : "";
}

/* "be" as "BE"; its own where it is not so many letters. */
static const char *code(dw_call *c, const struct synchub_connector *from, const char *name, size_t letters,
                        const char *otherwise)
{
    const char *given = setting(c, from, name);
    char *text = dw_alloc(c, letters + 1);
    size_t n = 0;

    for (; n < letters && isalpha((unsigned char)given[n]); n++)
        text[n] = (char)toupper((unsigned char)given[n]);
    return n == letters && !given[n] ? text : otherwise;
}

const char *synchub_zone(dw_call *c, const struct synchub_connector *kimai)
{
    const char *zone = setting(c, kimai, "default_timezone"), *text;

    return *zone && dw_time_format_in(c, dw_now(c), zone, &text) >= 0 ? zone : its_zone;
}

/* It spoke to Kimai by HTTPS whatever was typed. */
static const char *kimai_address(dw_call *c, const struct synchub_connector *from, const char **remark)
{
    if (strncasecmp(from->base_url, "http://", 7) != 0)
        return from->base_url;
    *remark = "https now: the old tool never spoke http to Kimai, whatever was typed";
    return dw_format(c, "https://%s", from->base_url + 7);
}

static const json_t *kimai_settings(dw_call *c, const struct synchub_connector *from, const char **remark)
{
    return dw_json(c, "base_url", kimai_address(c, from, remark), "customer_country",
                   code(c, from, "default_country", 2, its_country), "customer_currency",
                   code(c, from, "default_currency", 3, its_currency), "customer_timezone",
                   synchub_zone(c, from));
}

/* ---- secrets ---- */

/* As Python reads it: blanks around it do not count, and "+/" is as good as "-_", which `openssl rand -base64 32` writes. Nor do the
 * quotes count that an environment's file may have around it. */
enum { KEY_SIZE = 64 };

static void plain_key(dw_secret given, char out[KEY_SIZE])
{
    const char *p = dw_secret_reveal(given);
    size_t n = 0;

    for (; *p && n < KEY_SIZE - 1; p++)
        if (!isspace((unsigned char)*p) && *p != '"' && *p != '\'')
            out[n++] = (char)(*p == '+' ? '-' : *p == '/' ? '_' : *p);
    out[n] = 0;
}

static int open_token(dw_call *c, const char *key, struct synchub_connection *to)
{
    dw_str plain;

    if (!*to->of->sealed) {
        to->remark = "without its token: the old tool has none";
        return 0;
    }
    int rc = dw_unseal_with(c, (dw_secret){ key }, to->of->sealed, &plain);
    if (rc == DW_EINVALID)
        return dw_fail(
            c, rc,
            "this key does not open what the old tool keeps secret: it is the ENCRYPTION_KEY of its "
            "environment, 44 characters",
            "connector", to->name);
    DW_TRY(rc);
    to->secrets[0] = (dw_connection_secret){ "token", { plain.p } };
    return 0;
}

/* ---- connections ---- */

static bool is_taken(const struct synchub_connection *all, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (all[i].kind && strcmp(all[i].name, name) == 0)
            return true;
    return false;
}

static int convert(dw_call *c, const char *key, struct synchub_connection *to)
{
    to->settings = same(to->kind, "kimai") ? kimai_settings(c, to->of, &to->remark)
                                           : dw_json(c, "base_url", to->of->base_url);
    return open_token(c, key, to);
}

static int convert_all(dw_call *c, const struct synchub *old, const char *key, struct synchub_connection *out)
{
    for (size_t i = 0; i < old->connectors_n; i++) {
        const struct synchub_connector *of = &old->connectors[i];

        out[i] = (struct synchub_connection){ .of = of, .name = of->name, .remark = "" };
        if (!is_one_of(of->kind, "zammad", "kimai"))
            continue;
        out[i].kind = of->kind;
        if (is_taken(out, i, of->name)) /* it was a look alone that kept two from having one name */
            out[i].name = dw_format(c, "%s (%s)", of->name, of->id);
        DW_TRY(convert(c, key, &out[i]));
    }
    return 0;
}

int synchub_connections(dw_call *c, const struct synchub *old, dw_secret key, struct synchub_connection **out)
{
    char plain[KEY_SIZE];

    *out = dw_alloc(c, (old->connectors_n + 1) * sizeof(**out));
    plain_key(key, plain);
    int rc = convert_all(c, old, plain, *out);
    OPENSSL_cleanse(plain, sizeof(plain));
    return rc;
}

/* ---- rules ---- */

const json_t *synchub_rules(dw_call *c, const struct synchub *old, const struct synchub_connector *kimai)
{
    const bool ignores = json_is_true(json_object_get(kimai->settings, "ignore_unmapped_activities"));

    /* The project and the activity were never used for timesheets there: here as well they are only kept. */
    return dw_json(c, "minutes_per_unit", "1", "anchor", "begins", "user", "owner", "activity",
                   ignores ? "skip" : "decide", "default_activity", setting(c, kimai, "default_activity_id"),
                   "project", "of_ticket", "fixed_project", setting(c, kimai, "default_project_id"), "adopt",
                   DW_TRUE, "tags", (const json_t *)dw_json_list(c, "source:zammad"), "first_day",
                   old->first_day);
}

/* ---- the schedule ---- */

/* What it did, not what its dialog said: that called the day with the number 1 Monday, and Tuesday is when it ran. */
static const char *about(dw_call *c, const struct synchub *old, enum synchub_cron is)
{
    return is == SYNCHUB_CRON_RENUMBERED ? dw_format(c,
                                                     "was %s, where 0 is Monday: these are the days on which "
                                                     "it ran, which its dialog showed a day early",
                                                     old->cron)
                                         : "";
}

static const char *in_zone(dw_call *c, const char *when, const char *wanted, const char *zone)
{
    return !*wanted || strcmp(wanted, zone) == 0 ? when : dw_format(c, "TZ=%s %s", wanted, when);
}

int synchub_schedule(dw_call *c, const struct synchub *old, const char *zone, const char **out,
                     const char **remark)
{
    char when[SYNCHUB_CRON_SIZE];
    const char *why;
    dw_time next;

    *out = *remark = "";
    if (!old->cron)
        return 0;
    const enum synchub_cron is = synchub_cron(old->cron, when, &why);
    if (is == SYNCHUB_CRON_REFUSED) {
        *remark = dw_format(c, "%s cannot be taken over: %s", old->cron, why);
        return 0;
    }
    const char *text = in_zone(c, dw_format(c, "%s", when), old->zone, zone);
    int rc = dw_when_next(c, text, zone, dw_now(c), &next);
    if (rc == DW_EINVALID || rc == 0) {
        *remark = dw_format(c, "%s cannot be taken over: %s", old->cron,
                            rc ? dw_error_of(c)->text : "it never comes");
        return 0;
    }
    DW_TRY(rc);
    if (!old->is_scheduled) {
        *remark = dw_format(c, "is switched off there; it would be %s", text);
        return 0;
    }
    *out = text;
    *remark = about(c, old, is);
    return 0;
}
