#include "csv.h"

#include <string.h>

void csv_begin(struct csv *csv, dw_call *c)
{
    *csv = (struct csv){ .c = c, .text = dw_text_new(c) };
    dw_text_add(csv->text, "\xEF\xBB\xBF");
}

static void separate(struct csv *csv)
{
    if (csv->in_line)
        dw_text_add(csv->text, ",");
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

void csv_int(struct csv *csv, int64_t n)
{
    separate(csv);
    dw_text_add(csv->text, dw_format(csv->c, "%lld", (long long)n));
}

void csv_real(struct csv *csv, double x)
{
    separate(csv);
    dw_text_add(csv->text, dw_format(csv->c, "%.2f", x));
}

void csv_time(struct csv *csv, dw_time t)
{
    separate(csv);
    if (t.us != 0)
        dw_text_add(csv->text, dw_time_format(csv->c, t));
}

void csv_line(struct csv *csv)
{
    dw_text_add(csv->text, "\r\n");
    csv->in_line = false;
}

int csv_reply(struct csv *csv, dw_request *req, const char *file)
{
    dw_str text = dw_text_get(csv->text);

    DW_TRY(
        dw_reply_header(req, "Content-Disposition", dw_format(csv->c, "attachment; filename=\"%s\"", file)));
    return dw_reply_bytes(req, 200, "text/csv; charset=utf-8", (dw_bytes){ text.p, text.n });
}
