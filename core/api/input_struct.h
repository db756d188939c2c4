/* input_struct.h - the inside of an input, for the parts that fill it. Used by core/api/ only. */
#ifndef API_INPUT_STRUCT_H
#define API_INPUT_STRUCT_H

#include "api/input.h"

/* A request with a thousand mistakes is told the first of them. */
enum { API_FAULTS_MAX = 32 };

struct api_faults {
    struct problem_error *v; /* in the arena; NULL before the first */
    size_t n;
};

/* What came as text for one field; members of a JSON body stay in it. */
struct api_slot {
    struct api_value value;
    bool present;
    bool is_wrong; /* complained about: its rules need not be asked any more */
};

struct api_input {
    struct http_exchange *x;
    const struct api_operation *op;
    struct arena *arena;           /* the exchange's */
    struct api_slot *slots;        /* one a field */
    const struct api_media *media; /* of the content; NULL: none came */
    json_t *json;
    struct form form;
    struct upload *upload;
    struct api_faults unreadable; /* 400 */
    struct api_faults invalid;    /* 422 */
    bool out_of_memory;
};

/* ---- input.c ---- */

/* The pointer is made of the place ("query"; NULL: the content) and the name (NULL: all of it), escaped. */
void api_fault(struct api_input *in, struct api_faults *faults, const char *place, const char *name,
               const char *format, ...) DW_PRINTF(5, 6);

/* The same for something inside of it, by a pointer ("" or "/0/a"). The detail is copied. */
void api_fault_at(struct api_input *in, struct api_faults *faults, const char *place, const char *name,
                  const char *inside, struct str detail);

/* Our own words in the client's language; what api_fault() is given it says so by itself. */
static inline const char *api_say(const struct api_input *in, const char *english)
{
    return http_say(http_request_language(in->x), english);
}

/* "query" of API_IN_QUERY, as in a pointer; NULL of API_IN_BODY. */
const char *api_place_of(enum api_in in);

/* ---- input_value.c ---- */

/* One text for a field, decoded; copied. A second one for what is no list is a fault. */
void api_put_text(struct api_input *in, const struct api_field *field, struct str text);
void api_put_file(struct api_input *in, const struct api_field *field, const struct upload_part *part);

/* A JSON value as the handler sees it. */
struct api_value api_value_of_json(json_t *json, enum api_type type);
bool api_json_has_type(const json_t *json, enum api_type type);

/* ---- input_parameters.c ---- */

void api_read_parameters(struct api_input *in);

/* As JSON has it: a new reference, or NULL when memory is out. */
json_t *api_json_of_value(const struct api_value *value);

/* ---- input_rules.c ---- */

/* Each value against its schema, and the JSON content against its own; then gives what is absent its default. */
void api_check_rules(struct api_input *in);

/* ---- input_content.c ---- */

/* 0, or -1 with the refusal: nothing more can be said about such a request. */
int api_read_content(struct api_input *in, struct api_refusal *refusal);

#endif
