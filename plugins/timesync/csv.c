#include "csv.h"

#include <stdio.h>
#include <string.h>

#include "decimal.h"

void csv_begin(struct csv *csv, dw_call *c, const char *separator)
{
    *csv = (struct csv){ .c = c, .text = dw_text_new(c) };
    csv->in_german = separator && strcmp(separator, "semicolon") == 0;
    dw_text_add(csv->text, "\xEF\xBB\xBF");
}

static void separate(struct csv *csv)
{
    if (csv->in_line)
        dw_text_add(csv->text, csv->in_german ? ";" : ",");
    csv->in_line = true;
}

static bool is_number(const char *text)
{
    text += *text == '-' || *text == '+';
    return *text && text[strspn(text, "0123456789.")] == '\0';
}

static bool is_formula(const char *text)
{
    return *text && strchr("=+-@\t\r", *text) && !is_number(text);
}

void csv_text(struct csv *csv, const char *text)
{
    char one[2] = "";

    separate(csv);
    if (!text)
        return;
    if (!is_formula(text) && text[strcspn(text, ",;\"\r\n")] == '\0') {
        dw_text_add(csv->text, text);
        return;
    }
    dw_text_add(csv->text, is_formula(text) ? "\"'" : "\"");
    for (; *text; text++) {
        one[0] = *text;
        dw_text_add(csv->text, *text == '"' ? "\"\"" : one);
    }
    dw_text_add(csv->text, "\"");
}

void csv_decimal(struct csv *csv, const char *text)
{
    const size_t n = strlen(text), whole = strcspn(text, ".");

    if (!csv->in_german || !decimal_valid(text) || whole == n) {
        csv_text(csv, text);
        return;
    }
    separate(csv);
    dw_text_add(csv->text, dw_format(csv->c, "%.*s,%s", (int)whole, text, text + whole + 1));
}

void csv_int(struct csv *csv, int64_t n)
{
    char digits[24];

    separate(csv);
    snprintf(digits, sizeof(digits), "%lld", (long long)n);
    dw_text_add(csv->text, digits);
}

/* Rounded half away from zero, in whole hundredths: no float is involved. */
void csv_minutes(struct csv *csv, int64_t seconds)
{
    const int64_t positive = seconds < 0 ? -seconds : seconds, hundredths = (positive * 10 + 3) / 6;
    char digits[32];

    separate(csv);
    snprintf(digits, sizeof(digits), "%s%lld%c%02d", seconds < 0 ? "-" : "", (long long)(hundredths / 100),
             csv->in_german ? ',' : '.', (int)(hundredths % 100));
    dw_text_add(csv->text, digits);
}

void csv_time(struct csv *csv, dw_time t)
{
    char text[sizeof("2026-11-20 10:00:00")] = "";

    separate(csv);
    if (t.us != 0) {
        dw_scope_begin(csv->c);
        snprintf(text, sizeof(text), "%s", dw_time_format(csv->c, t));
        dw_scope_end(csv->c);
        text[sizeof("2026-11-20") - 1] = ' '; /* with a T spreadsheets take it for a text */
    }
    dw_text_add(csv->text, text);
}

void csv_line(struct csv *csv)
{
    dw_text_add(csv->text, "\r\n");
    csv->in_line = false;
}

void csv_heading(struct csv *csv, const char *const *names)
{
    for (; *names; names++)
        csv_text(csv, *names);
    csv_line(csv);
}

int csv_reply(struct csv *csv, dw_request *req, const char *file)
{
    dw_str text = dw_text_get(csv->text);

    DW_TRY(
        dw_reply_header(req, "Content-Disposition", dw_format(csv->c, "attachment; filename=\"%s\"", file)));
    return dw_reply_bytes(req, 200, "text/csv; charset=utf-8", (dw_bytes){ text.p, text.n });
}
