/* item.h - settings: a struct, and one line about each member.
 *
 * From the lines come validation, `dowel config check`, the pages and examples under docs/, and later the console's
 * forms. The loader fills the struct; nobody else reads files or the environment.
 *
 *   struct notes_config { int64_t max_length; struct config_span keep; struct config_secret key; };
 *   static const struct config_item items[] = {
 *       CONFIG_ITEM(struct notes_config, max_length, .fallback = "10000", .min = 1, .help = "Longest note"),
 *       { 0 },
 *   };
 *   const struct config_table notes_table = {
 *       .name = "notes", .summary = "Notes", .items = items, .size = sizeof(struct notes_config),
 *   }; */
#ifndef CONFIG_ITEM_H
#define CONFIG_ITEM_H

#include "util/str.h"

/* The values' types. Texts are terminated, UTF-8, never NULL, and live as long as the snapshot they came with. */
struct config_span {
    int64_t us; /* "250ms", "10s", "1h30m" */
};

struct config_size {
    int64_t bytes; /* "1 MiB", "64KiB", "1000" */
};

/* A struct of its own, so that a secret does not fit where a text is logged or printed. */
struct config_secret {
    const char *hidden;
};

struct config_texts {
    const char *const *v;
    size_t n;
};

enum config_type {
    CONFIG_BOOL = 1,
    CONFIG_INT,
    CONFIG_REAL,
    CONFIG_TEXT,
    CONFIG_SPAN,
    CONFIG_SIZE,
    CONFIG_SECRET,
    CONFIG_LIST,
    CONFIG_TYPES
};

struct config_item {
    const char *name;
    enum config_type type; /* from the member's C type */
    bool secret;           /* never shown; implied by the type secret */
    bool restart;          /* a change needs a new generation of the server; else it runs on */
    size_t offset;
    const char *fallback; /* as it would stand in YAML; NULL: must be set */
    const char *help;     /* sentences for the admin, without the final full stop */
    /* Number, bytes of a text, microseconds, bytes, entries. max 0: no upper limit; both 0: no limit. */
    int64_t min, max;
    const char *one_of;  /* "text json auto"; compared without case, stored as it stands here */
    const char *pattern; /* a name from pattern.h, or a POSIX extended regular expression between slashes */
    /* For what a pattern cannot say: NULL when the text (of a list: the entry) is right, else why it is not. */
    const char *(*wrong)(struct str text);
    const char *aliases; /* environment names that everyone knows: "LOG_LEVEL" */
    const char *example; /* as it would stand in YAML, when the fallback does not show the form */
    const char *section; /* the heading that begins here in generated pages */
};

#define CONFIG_TYPE_OF_(T, member) \
    _Generic(((T *)0)->member, bool: CONFIG_BOOL, int64_t: CONFIG_INT, double: CONFIG_REAL, const char *: CONFIG_TEXT, \
        struct config_span: CONFIG_SPAN, struct config_size: CONFIG_SIZE, struct config_secret: CONFIG_SECRET,         \
        struct config_texts: CONFIG_LIST)

/* One line about a member; a member of a type not listed above does not compile. */
#define CONFIG_ITEM(T, member, ...)                                                                     \
    {                                                                                                   \
        .name = #member, .type = CONFIG_TYPE_OF_(T, member), .offset = offsetof(T, member), __VA_ARGS__ \
    }

struct config_check;

/* What one owner declares: the server itself, or a plugin. */
struct config_table {
    const char *name;                /* of the file (NAME.yaml) and in the environment (DOWEL_NAME__ITEM) */
    const char *summary;             /* a sentence for the generated pages */
    const struct config_item *items; /* ends with { 0 } */
    size_t size;                     /* of the struct */
    /* True for what cannot be switched off; others have `enabled`, `required` and `allow` beside their items. */
    bool always;
    /* Looks at items together and may fill members that are no items; see config_check_* in config.h. May be NULL. */
    void (*check)(void *values, struct config_check *check);
};

static inline bool config_item_is_secret(const struct config_item *item)
{
    return item->secret || item->type == CONFIG_SECRET;
}

#endif
