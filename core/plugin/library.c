#include "plugin/library.h"

#include <dlfcn.h>
#include <ltdl.h>
#include <stdlib.h>

#define ENTRY "dowel_plugin_v0"

struct library {
    lt_dlhandle handle;
};

static int fail(struct buf *why, const char *what, const char *found)
{
    buf_add_format(why, "%s: %s", what, found ? found : "the system does not say why");
    return -1;
}

/* libltdl binds lazily, whatever LD_BIND_NOW says by now, so that a missing function would end the process at its first
 * call; and it calls every failure "file not found". The loader of the system, asked first, binds at once and names what
 * is missing. What libltdl then gives is another handle of the same object. */
static int bind_now(const char *path, struct buf *why)
{
    if (dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE))
        return 0;
    return fail(why, "cannot be opened", dlerror());
}

/* Without lt_dladvise_ext() a name is taken as it stands: no .la file is looked for, and no other ending. */
static int open_handle(lt_dlhandle *out, const char *path, struct buf *why)
{
    lt_dladvise advice;

    /* Counts, so asking again is cheap. */
    if (lt_dlinit() != 0 || lt_dladvise_init(&advice) != 0)
        return fail(why, "libltdl cannot be used", lt_dlerror());
    if (lt_dladvise_local(&advice) == 0 && lt_dladvise_resident(&advice) == 0)
        *out = lt_dlopenadvise(path, advice);
    int result = *out ? 0 : fail(why, "cannot be opened", lt_dlerror());
    lt_dladvise_destroy(&advice);
    return result;
}

int library_open(struct library **out, const char *path, struct buf *why)
{
    struct library *l = calloc(1, sizeof(*l));

    *out = NULL;
    if (!l)
        return fail(why, "cannot be opened", "out of memory");
    if (bind_now(path, why) != 0 || open_handle(&l->handle, path, why) != 0) {
        free(l);
        return -1;
    }
    *out = l;
    return 0;
}

const dw_plugin *library_plugin(struct library *l, struct buf *why)
{
    union { /* ISO C knows no way from one to the other */
        void *symbol;
        const dw_plugin *(*function)(void);
    } entry;

    entry.symbol = lt_dlsym(l->handle, ENTRY);
    if (!entry.symbol) {
        buf_add_text(why,
                     "has no symbol " ENTRY ": it is no plugin of Dowel, or DOWEL_PLUGIN() is missing in it");
        return NULL;
    }
    const dw_plugin *p = entry.function();
    if (!p)
        buf_add_text(why, ENTRY "() returned no descriptor");
    return p;
}

void library_forget(struct library *l)
{
    free(l);
}
