#include "fact.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static size_t size_of(const char *text)
{
    return text ? strlen(text) + 1 : 0;
}

/* Copies to *at, which moves on. */
static const char *put(char **at, const char *text)
{
    size_t n = size_of(text);
    char *copy = *at;

    if (n == 0)
        return NULL;
    memcpy(copy, text, n);
    *at += n;
    return copy;
}

static int64_t id_in(const json_t *row, const char *name)
{
    return row_id(json_object_get(row, name));
}

/* In an expanded row a name, else nothing. */
static const char *text_in(const json_t *row, const char *name)
{
    return row_text(json_object_get(row, name));
}

struct ticket *fact_ticket(int64_t id, const json_t *row)
{
    const char *number = text_in(row, "number"), *title = text_in(row, "title");
    const char *organization = text_in(row, "organization");
    struct ticket *t = malloc(sizeof(*t) + size_of(number) + size_of(title) + size_of(organization));
    char *at;

    if (!t)
        return NULL;
    at = (char *)(t + 1);
    *t = (struct ticket){ .id = id,
                          .known = row != NULL,
                          .organization = id_in(row, "organization_id"),
                          .customer = id_in(row, "customer_id"),
                          .number = put(&at, number),
                          .title = put(&at, title),
                          .organization_name = put(&at, organization) };
    return t;
}

/* "First Last", whatever of it there is; else the login. */
static void write_name(char *out, size_t size, const char *first, const char *last, const char *login)
{
    if (first || last)
        snprintf(out, size, "%s%s%s", first ? first : "", first && last ? " " : "", last ? last : "");
    else
        snprintf(out, size, "%s", login ? login : "");
}

struct person *fact_person(int64_t id, const json_t *row)
{
    const char *first = text_in(row, "firstname"), *last = text_in(row, "lastname");
    const char *login = text_in(row, "login"), *email = text_in(row, "email");
    const char *organization = text_in(row, "organization");
    size_t name_size = size_of(first) + size_of(last) + size_of(login) + 1;
    struct person *p = malloc(sizeof(*p) + name_size + size_of(email) + size_of(organization));
    char *at;

    if (!p)
        return NULL;
    at = (char *)(p + 1);
    *p = (struct person){ .id = id, .known = row != NULL, .organization = id_in(row, "organization_id") };
    write_name(at, name_size, first, last, login);
    p->name = *at ? at : NULL;
    at += name_size;
    p->email = put(&at, email);
    p->organization_name = put(&at, organization);
    return p;
}

struct person *fact_person_copy(const struct person *p)
{
    struct person *copy =
        malloc(sizeof(*copy) + size_of(p->name) + size_of(p->email) + size_of(p->organization_name));
    char *at;

    if (!copy)
        return NULL;
    at = (char *)(copy + 1);
    *copy = *p;
    copy->name = put(&at, p->name);
    copy->email = put(&at, p->email);
    copy->organization_name = put(&at, p->organization_name);
    return copy;
}
