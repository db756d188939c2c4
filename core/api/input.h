/* input.h - what one request brings, by the names of its operation.
 *
 *   if (api_input_check(x, op, &in, &refusal) != 0)
 *       return api_input_refuse(x, &refusal);
 *   ... api_input_find(in, "title", &value) ...
 *   api_input_finish(in);
 *
 * Everything stands in the exchange's arena or points into the request; only the parsed JSON and an upload's files need
 * to be given back, by api_input_finish before the exchange ends. All on the handler's thread. */
#ifndef API_INPUT_H
#define API_INPUT_H

#include <jansson.h>

#include "api/document.h"
#include "http/exchange.h"
#include "http/form.h"
#include "http/problem.h"
#include "http/upload.h"

struct api_input;

enum api_value_kind {
    API_VALUE_TEXT,
    API_VALUE_INTEGER,
    API_VALUE_NUMBER,
    API_VALUE_BOOLEAN,
    API_VALUE_JSON, /* an object or array */
    API_VALUE_FILE  /* a part of multipart/form-data with a file name */
};

/* Borrowed from the input. */
struct api_value {
    enum api_value_kind kind;
    struct str
        text; /* TEXT, and what any other kind was read from if it came as text: terminated, UTF-8, no NUL */
    int64_t integer;                /* INTEGER */
    double number;                  /* NUMBER, and INTEGER */
    bool boolean;                   /* BOOLEAN */
    json_t *json;                   /* JSON */
    const struct upload_part *file; /* FILE; of a list of files the first */
};

/* Why a request is not given to its handler. */
struct api_refusal {
    int status;                         /* 400, 413, 415, 422, 428; 500: memory was out; 507 */
    const char *detail;                 /* a sentence for the client */
    const struct problem_error *errors; /* each place that is wrong: "#/title", "#/query/limit" */
    size_t errors_n;
    const char *accept; /* 415: the media types that are taken, as in an Accept field; else NULL */
};

/* Everything that can be said before schemas are looked at:
 *   400  an unknown or repeated parameter or form field; JSON that is none; content where none is taken or none where
 *        it is required; a text that is not UTF-8 or has a NUL
 *   415  a media type that is not taken
 *   422  a required field that is missing, a value that has not the declared type
 *   428  no If-Match where x-if-match requires it
 * All places of the first group that has any are told at once. 0 with *out, or -1 with *out NULL and `refusal` filled;
 * its texts live as long as the exchange. */
int api_input_check(struct http_exchange *x, const struct api_operation *op, struct api_input **out,
                    struct api_refusal *refusal);

/* NULL is safe. */
void api_input_finish(struct api_input *in);

/* Answers with a problem; without memory only with the status. 0, or -1 when a reply was staged already. */
int api_input_refuse(struct http_exchange *x, const struct api_refusal *refusal);

/* 1 with *out, 0 when it is absent or null, -1 when the operation has no such name; then api_operation_field tells the
 * nearest one. */
int api_input_find(const struct api_input *in, const char *name, struct api_value *out);

/* As above, for a field of the input's operation. */
int api_input_value(const struct api_input *in, const struct api_field *field, struct api_value *out);

/* The content, as far as it was read; NULL when it was not of that kind. Borrowed. */
json_t *api_input_json(const struct api_input *in);
const struct form *api_input_form(const struct api_input *in);
const struct upload *api_input_upload(const struct api_input *in);

#endif
