/* rules.c - one table says all of every rule: where it stands, what it may be, what it is by itself, what it is for. */
#include "rules.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "decimal.h"

enum kind { KIND_CHOICE, KIND_TEXT, KIND_DECIMAL, KIND_BOOL, KIND_INT, KIND_SPAN, KIND_DAY, KIND_TEXTS };

struct rule {
    const char *name;
    enum kind kind;
    size_t offset;
    const char *fallback; /* as it stands in JSON, a text for all but TEXTS: words with blanks between them */
    const char *one_of;   /* of CHOICE in the order of its enum; of TEXTS: what may be in it */
    int64_t min, max;     /* of INT; of TEXT: the longest */
    const char *help;
};

#define AT(member) .name = #member, .offset = offsetof(struct rules, member)

static const struct rule table[] = {
    { AT(minutes_per_unit), .kind = KIND_DECIMAL, .fallback = "1",
      .help = "How many minutes one unit of the source is, where it does not say: 1, 60, 15, 7.5" },
    { AT(anchor), .kind = KIND_CHOICE, .fallback = "ends", .one_of = "ends begins",
      .help =
          "Whether an entry ends or begins when it was booked, where the source says neither begin nor end" },
    { AT(first_day), .kind = KIND_DAY, .fallback = "",
      .help = "Entries that lie before this day (UTC) are left alone; empty: none" },
    { AT(user), .kind = KIND_CHOICE, .fallback = "decide", .one_of = "decide owner skip",
      .help = "An agent without a mapping, and without a user of the same e-mail: a person decides, whoever "
              "the connection "
              "signs in as, or never moved" },
    { AT(activity), .kind = KIND_CHOICE, .fallback = "decide", .one_of = "decide default skip",
      .help = "A kind of work without a mapping: a person decides, default_activity, or never moved" },
    { AT(default_activity), .kind = KIND_TEXT, .fallback = "", .max = 200,
      .help = "The id of an activity at the target" },
    { AT(customer), .kind = KIND_CHOICE, .fallback = "create", .one_of = "create find fixed",
      .help = "An organisation's customer: found by mapping, number or exact name, and made if it is not "
              "there; only found; or "
              "always fixed_customer" },
    { AT(customer_number), .kind = KIND_TEXT, .fallback = "OID-{id}", .max = 200,
      .help = "The number of an organisation's customer; {id}, {mark}" },
    { AT(fixed_customer), .kind = KIND_TEXT, .fallback = "", .max = 200,
      .help = "The id of a customer at the target: of all entries with customer: fixed, else of tickets "
              "without an organisation" },
    { AT(project), .kind = KIND_CHOICE, .fallback = "of_ticket", .one_of = "of_ticket of_customer fixed",
      .help = "One project for each ticket, one for each customer, or always fixed_project" },
    { AT(project_number), .kind = KIND_TEXT, .fallback = "TID-{id}", .max = 200,
      .help =
          "The number of a ticket's project; {id}, {mark}. A customer's only project has the customer's" },
    { AT(project_name), .kind = KIND_TEXT, .fallback = "Ticket-{number}", .max = 200,
      .help = "What a new project is called; {number}, {title}, {id}, {customer}" },
    { AT(fixed_project), .kind = KIND_TEXT, .fallback = "", .max = 200,
      .help = "The id of a project at the target" },
    { AT(create_projects), .kind = KIND_BOOL, .fallback = "true",
      .help = "Whether projects that are not there are made" },
    { AT(billable), .kind = KIND_CHOICE, .fallback = "target", .one_of = "target always never",
      .help = "Whether new timesheets are billable: as the target has it, or always, or never; a mapping may "
              "say otherwise" },
    { AT(tags), .kind = KIND_TEXTS, .fallback = "", .help = "Tags of each timesheet" },
    { AT(description), .kind = KIND_TEXT, .fallback = "{number} {title}\n{url}\n{note}", .max = 4000,
      .help = "The text of a timesheet below its marker; {number}, {title}, {url}, {note}, {customer}, "
              "{agent}, {activity}, "
              "{amount}" },
    { AT(watched), .kind = KIND_TEXTS, .fallback = "time project activity user billable text tags",
      .one_of = "time project activity user billable text tags",
      .help = "What of a timesheet is an edit when somebody changes it at the target" },
    { AT(source_deleted), .kind = KIND_CHOICE, .fallback = "decide", .one_of = "decide remove",
      .help = "An entry that the source has no longer: a person decides, or its timesheet is removed" },
    { AT(target_edited), .kind = KIND_CHOICE, .fallback = "decide", .one_of = "decide unfollow restore",
      .help =
          "A timesheet that somebody changed: a person decides, it stays so for good, or it is put back" },
    { AT(target_deleted), .kind = KIND_CHOICE, .fallback = "decide", .one_of = "decide skip create",
      .help = "A timesheet that somebody deleted: a person decides, never moved again, or made anew" },
    { AT(zero), .kind = KIND_CHOICE, .fallback = "skip", .one_of = "skip decide move",
      .help = "Entries of no length" },
    { AT(negative), .kind = KIND_CHOICE, .fallback = "decide", .one_of = "skip decide",
      .help = "Entries below zero, which no target takes" },
    { AT(merged), .kind = KIND_CHOICE, .fallback = "keep", .one_of = "keep decide",
      .help = "Entries of a ticket that was merged into another one: the timesheet stays in its project, or "
              "a person decides" },
    { AT(max_deletions), .kind = KIND_INT, .fallback = "20", .max = 1000000,
      .help = "If more is gone in one run, nothing is done about it, and the sync waits for a person; 0: any "
              "number is believed" },
    { AT(adopt), .kind = KIND_BOOL, .fallback = "true",
      .help = "Whether timesheets with our marker, or an older form of it, are taken over" },
    { AT(overlap), .kind = KIND_SPAN, .fallback = "10m",
      .help = "How far before the last one a poll looks again, for clocks that differ" },
    { AT(window), .kind = KIND_SPAN, .fallback = "0",
      .help = "How far back a full comparison looks at timesheets, by when they begin; 0: all" },
    { AT(parallel), .kind = KIND_INT, .fallback = "4", .min = 1, .max = 16,
      .help = "How many requests change the target at a time, on each server" },
    { AT(dry_run), .kind = KIND_BOOL, .fallback = "false", .help = "What starts by itself only plans" },
};

enum { RULES = sizeof(table) / sizeof(*table) };

/* ---- words ---- */

/* The n-th of words with a blank between them: its length and *word; 0 after the last. */
static size_t word_at(const char *words, size_t n, const char **word)
{
    for (;; words++) {
        const size_t length = strcspn(words, " ");

        if (!n-- || !length) {
            *word = words;
            return length;
        }
        words += length;
        if (!*words)
            return 0;
    }
}

static int place_of(const char *words, const char *word)
{
    const char *one;
    size_t n;

    for (size_t i = 0; (n = word_at(words, i, &one)) > 0; i++)
        if (strlen(word) == n && memcmp(one, word, n) == 0)
            return (int)i;
    return -1;
}

/* How many letters apart; names are short. */
static size_t distance(const char *a, const char *b)
{
    size_t row[64];
    const size_t n = strlen(b);

    if (n >= 63)
        return SIZE_MAX;
    for (size_t k = 0; k <= n; k++)
        row[k] = k;
    for (size_t i = 1; *a; a++, i++) {
        size_t corner = row[0];

        row[0] = i;
        for (size_t k = 1; k <= n; k++) {
            const size_t above = row[k];
            size_t best = corner + (*a != b[k - 1]);

            best = best < above + 1 ? best : above + 1;
            best = best < row[k - 1] + 1 ? best : row[k - 1] + 1;
            corner = above;
            row[k] = best;
        }
    }
    return row[n];
}

static const struct rule *rule_of(const char *name)
{
    for (size_t i = 0; i < RULES; i++)
        if (strcmp(table[i].name, name) == 0)
            return &table[i];
    return NULL;
}

static const char *nearest(const char *name)
{
    const char *best = NULL;
    size_t least = 4;

    for (size_t i = 0; i < RULES; i++) {
        const size_t d = distance(name, table[i].name);

        if (d < least) {
            least = d;
            best = table[i].name;
        }
    }
    return best;
}

/* ---- texts of spans and days ---- */

static const struct {
    char letter;
    int64_t us;
} spans[] = { { 'd', INT64_C(86400000000) },
              { 'h', INT64_C(3600000000) },
              { 'm', INT64_C(60000000) },
              { 's', INT64_C(1000000) } };

static int span_parse(const char *text, dw_span *out)
{
    char *end;
    const long long n = *text >= '0' && *text <= '9' ? strtoll(text, &end, 10) : -1;

    if (n == 0 && !*end) {
        out->us = 0;
        return 0;
    }
    if (n < 0 || n > 100000 || !*end || end[1])
        return -1;
    for (size_t i = 0; i < 4; i++)
        if (spans[i].letter == *end) {
            out->us = n * spans[i].us;
            return 0;
        }
    return -1;
}

static const char *span_text(dw_call *c, dw_span span)
{
    for (size_t i = 0; span.us && i < 4; i++)
        if (span.us % spans[i].us == 0)
            return dw_format(c, "%lld%c", (long long)(span.us / spans[i].us), spans[i].letter);
    return "0";
}

static int day_parse(dw_call *c, const char *text, dw_time *out)
{
    if (!*text) {
        out->us = 0;
        return 0;
    }
    return dw_time_parse(c, strlen(text) == 10 ? dw_format(c, "%sT00:00:00Z", text) : text, out);
}

static const char *day_text(dw_call *c, dw_time t)
{
    const char *text = t.us ? dw_time_format(c, t) : "";

    return t.us % INT64_C(86400000000) == 0 ? dw_format(c, "%.10s", text) : text;
}

/* ---- reading ---- */

static void *at(struct rules *r, const struct rule *rule)
{
    return (char *)r + rule->offset;
}

static const void *at_const(const struct rules *r, const struct rule *rule)
{
    return (const char *)r + rule->offset;
}

static const char *pointer(dw_call *c, const char *name)
{
    return dw_format(c, "/rules/%s", name);
}

static int read_text(dw_call *c, const struct rule *rule, const char *text, struct rules *out)
{
    int choice;

    switch (rule->kind) {
    case KIND_CHOICE:
        if ((choice = place_of(rule->one_of, text)) < 0)
            return dw_fail_at(c, pointer(c, rule->name), "is none of those that there are", "found", text,
                              "one_of", rule->one_of);
        *(uint32_t *)at(out, rule) = (uint32_t)choice;
        return 0;
    case KIND_DECIMAL:
        if (!decimal_valid(text) || *text == '-' || !text[strspn(text, "0.")])
            return dw_fail_at(c, pointer(c, rule->name), "is no decimal above zero, as 1 or 7.5", "found",
                              text);
        *(const char **)at(out, rule) = text;
        return 0;
    case KIND_SPAN:
        return span_parse(text, at(out, rule)) == 0
                   ? 0
                   : dw_fail_at(c, pointer(c, rule->name), "is no duration, as 15m, 2h or 90d", "found",
                                text);
    case KIND_DAY:
        return day_parse(c, text, at(out, rule)) == 0
                   ? 0
                   : dw_fail_at(c, pointer(c, rule->name), "is no day, as 2026-01-31", "found", text);
    default:
        if ((int64_t)strlen(text) > rule->max)
            return dw_fail_at(c, pointer(c, rule->name), "is too long", "at_most", rule->max);
        *(const char **)at(out, rule) = text;
        return 0;
    }
}

static int read_texts(dw_call *c, const struct rule *rule, const json_t *list, struct rules *out)
{
    const size_t n = json_array_size(list);
    const char **texts = dw_alloc(c, (n + 1) * sizeof(*texts));

    for (size_t i = 0; i < n; i++) {
        const char *text = json_string_value(json_array_get(list, i));

        if (!text || !*text || strlen(text) > 100 || strchr(text, ','))
            return dw_fail_at(c, pointer(c, rule->name),
                              "has something that is no text of 1 to 100 letters without a comma");
        if (rule->one_of && place_of(rule->one_of, text) < 0)
            return dw_fail_at(c, pointer(c, rule->name), "is none of those that there are", "found", text,
                              "one_of", rule->one_of);
        texts[i] = dw_copy(c, (dw_str){ text, strlen(text) });
    }
    *(dw_texts *)at(out, rule) = (dw_texts){ texts, n };
    return 0;
}

static int read_int(dw_call *c, const struct rule *rule, json_int_t n, struct rules *out)
{
    if (n < rule->min || n > rule->max)
        return dw_fail_at(c, pointer(c, rule->name), "is out of range", "found", (int64_t)n, "min", rule->min,
                          "max", rule->max);
    *(int64_t *)at(out, rule) = n;
    return 0;
}

static int read_value(dw_call *c, const struct rule *rule, const json_t *value, struct rules *out)
{
    switch (rule->kind) {
    case KIND_BOOL:
        if (!json_is_boolean(value))
            return dw_fail_at(c, pointer(c, rule->name), "is neither true nor false");
        *(bool *)at(out, rule) = json_is_true(value);
        return 0;
    case KIND_INT:
        if (!json_is_integer(value))
            return dw_fail_at(c, pointer(c, rule->name), "is no whole number");
        return read_int(c, rule, json_integer_value(value), out);
    case KIND_TEXTS:
        if (!json_is_array(value))
            return dw_fail_at(c, pointer(c, rule->name), "is no list of texts");
        return read_texts(c, rule, value, out);
    default:
        if (!json_is_string(value))
            return dw_fail_at(c, pointer(c, rule->name), "is no text");
        return read_text(c, rule, dw_copy(c, (dw_str){ json_string_value(value), json_string_length(value) }),
                         out);
    }
}

/* What it is by itself, as JSON. */
static json_t *fallback_json(dw_call *c, const struct rule *rule)
{
    const char *word;
    json_t *list;
    size_t n;

    switch (rule->kind) {
    case KIND_BOOL: return dw_json_own(c, json_boolean(*rule->fallback == 't'));
    case KIND_INT: return dw_json_own(c, json_integer(strtoll(rule->fallback, NULL, 10)));
    case KIND_TEXTS:
        list = dw_json_own(c, json_array());
        for (size_t i = 0; (n = word_at(rule->fallback, i, &word)) > 0; i++)
            json_array_append_new(list, json_stringn(word, n));
        return list;
    default: return dw_json_own(c, json_string(rule->fallback));
    }
}

static int fits_together(dw_call *c, const struct rules *r)
{
    int rc = 0;

    if (r->activity == UNMAPPED_DEFAULT && !*r->default_activity)
        rc = dw_fail_at(c, "/rules/default_activity", "is needed with activity: default");
    if (r->customer == CUSTOMER_FIXED && !*r->fixed_customer && r->project != PROJECT_FIXED)
        rc = dw_fail_at(c, "/rules/fixed_customer", "is needed with customer: fixed");
    if (r->project == PROJECT_FIXED && !*r->fixed_project)
        rc = dw_fail_at(c, "/rules/fixed_project", "is needed with project: fixed");
    return rc;
}

int rules_read(dw_call *c, const json_t *json, struct rules *out)
{
    const char *name;
    json_t *value;
    int rc = 0;

    memset(out, 0, sizeof(*out));
    for (size_t i = 0; i < RULES; i++)
        DW_TRY(read_value(c, &table[i], fallback_json(c, &table[i]), out));
    if (json && !json_is_object(json))
        return dw_fail_at(c, "/rules", "is no object");
    /* Jansson's iteration wants a pointer that is not const, and changes nothing. */
    json_object_foreach((json_t *)(uintptr_t)json, name, value)
    {
        const struct rule *rule = rule_of(name);

        if (!rule)
            rc = nearest(name)
                     ? dw_fail_at(c, pointer(c, name), "there is no such rule", "did_you_mean", nearest(name))
                     : dw_fail_at(c, pointer(c, name), "there is no such rule");
        else if (!json_is_null(value) && read_value(c, rule, value, out) < 0)
            rc = DW_EINVALID;
    }
    return rc < 0 ? rc : fits_together(c, out);
}

/* ---- writing ---- */

static json_t *choice_json(const struct rule *rule, uint32_t choice)
{
    const char *word = "";
    const size_t n = word_at(rule->one_of, choice, &word);

    return json_stringn(word, n);
}

static json_t *texts_json(const dw_texts *texts)
{
    json_t *list = json_array();

    for (size_t i = 0; i < texts->n; i++)
        json_array_append_new(list, json_string(texts->v[i]));
    return list;
}

static json_t *value_json(dw_call *c, const struct rules *r, const struct rule *rule)
{
    const void *from = at_const(r, rule);

    switch (rule->kind) {
    case KIND_CHOICE: return choice_json(rule, *(const uint32_t *)from);
    case KIND_BOOL: return json_boolean(*(const bool *)from);
    case KIND_INT: return json_integer(*(const int64_t *)from);
    case KIND_SPAN: return json_string(span_text(c, *(const dw_span *)from));
    case KIND_DAY: return json_string(day_text(c, *(const dw_time *)from));
    case KIND_TEXTS: return texts_json(from);
    default: return json_string(*(const char *const *)from);
    }
}

json_t *rules_json(dw_call *c, const struct rules *r, bool all)
{
    json_t *out = dw_json_own(c, json_object());

    for (size_t i = 0; i < RULES; i++) {
        json_t *value = value_json(c, r, &table[i]);

        if (all || !json_equal(value, fallback_json(c, &table[i])))
            json_object_set_new(out, table[i].name, value);
        else
            json_decref(value);
    }
    return out;
}

size_t rules_count(void)
{
    return RULES;
}

json_t *rules_table(dw_call *c)
{
    static const char *const types[] = {
        [KIND_CHOICE] = "choice", [KIND_TEXT] = "text",   [KIND_DECIMAL] = "decimal",
        [KIND_BOOL] = "boolean",  [KIND_INT] = "integer", [KIND_SPAN] = "duration",
        [KIND_DAY] = "day",       [KIND_TEXTS] = "texts"
    };
    json_t *out = dw_json_own(c, json_array());

    for (size_t i = 0; i < RULES; i++) {
        const struct rule *rule = &table[i];
        json_t *one = dw_json(c, "name", rule->name, "type", types[rule->kind], "default",
                              fallback_json(c, rule), "help", rule->help);
        const char *word;
        size_t n;

        if (one && rule->one_of) {
            json_t *words = json_array();

            for (size_t k = 0; (n = word_at(rule->one_of, k, &word)) > 0; k++)
                json_array_append_new(words, json_stringn(word, n));
            json_object_set_new(one, "one_of", words);
        }
        json_array_append(out, one);
    }
    return out;
}
