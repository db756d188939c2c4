/* descriptor_read.h - how what a plugin says is read without trusting it; for descriptor.c and its parts. */
#ifndef PLUGIN_DESCRIPTOR_READ_H
#define PLUGIN_DESCRIPTOR_READ_H

#include "plugin/descriptor.h"
#include "util/compiler.h"

#define END_OF(T, member) (offsetof(T, member) + sizeof(((T *)0)->member))

/* Beyond these a number is taken for a mistake, not for a wish. */
enum {
    READER_STRUCT_MAX = 4096,
    READER_SETTINGS_MAX = 1 << 20,
    READER_LINE_MAX = 200,
    READER_TEXT_MAX = 8000
};

struct reader {
    struct arena *arena;
    struct buf *why;
    struct plugin_descriptor *d;
};

/* Adds the sentence to why. -1 */
int reader_refuse(const struct reader *r, const char *format, ...) DW_PRINTF(2, 3);

/* One line of UTF-8; NULL becomes "". `what` and `whose` name it when it is refused: "help of the item", "max_length". 0 or -1 */
int reader_text(const struct reader *r, const char **text, size_t max, const char *what, const char *whose);

/* [a-z][a-z0-9_]*, and the characters of `also`. */
bool reader_is_word(struct str s, const char *also);

/* What arrays have in common: elements whose size the plugin says, the name or handler in each, {0} behind the last. */
struct reader_kind {
    const char *what;       /* "operation" */
    size_t size, least;     /* the host's element; that of ABI minor 1 */
    size_t key;             /* offset of the text that is never NULL but at the end */
    const char *characters; /* that the key may have besides letters, digits and _; NULL: any */
    size_t key_max;
    size_t function; /* offset of a function that must be there; 0: none */
    bool may_repeat;
};

/* Copies of the host's size, {0} behind them: what this host does not know is left out, what the plugin did not know yet is
 * zero. NULL when refused. */
void *reader_array(const struct reader *r, const struct reader_kind *k, const void *array, size_t stride,
                   size_t *out_n);

/* The same of a struct of settings, each item checked. */
const dw_item *reader_items(const struct reader *r, const dw_items *from, size_t stride, size_t *out_n);

/* The kinds of connections: descriptor_connectors.c. 0 or -1 */
int reader_connectors(const struct reader *r, const dw_connector *from, const dw_sizes *sizes);

#endif
