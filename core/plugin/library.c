#include "plugin/library.h"

#include <ltdl.h>
#include <stdlib.h>

struct library {
    lt_dlhandle handle;
};

static const char *last_error(void)
{
    const char *text = lt_dlerror();
    return text ? text : "no reason is known";
}

/* Once a process; lt_dlinit counts, so asking again is cheap. */
static int advise(lt_dladvise *out, struct buf *why)
{
    *out = NULL;
    if (lt_dlinit() == 0 && lt_dladvise_init(out) == 0 && lt_dladvise_local(out) == 0 &&
        lt_dladvise_resident(out) == 0)
        return 0;
    buf_add_format(why, "libltdl cannot be used: %s", last_error());
    return -1;
}

/* libltdl binds lazily unless this is set, or the file was linked with -z now as dowel_add_plugin() does: a symbol that is
 * missing would end the process at its first use. */
static lt_dlhandle open_now(const char *path, lt_dladvise advice)
{
    const char *before = getenv("LD_BIND_NOW");
    lt_dlhandle handle;

    if (!before)
        setenv("LD_BIND_NOW", "1", 0);
    handle = lt_dlopenadvise(path, advice);
    if (!before)
        unsetenv("LD_BIND_NOW");
    return handle;
}

int library_open(struct library **out, const char *path, struct buf *why)
{
    struct library *l = calloc(1, sizeof(*l));
    lt_dladvise advice = NULL;
    int rc = -1;

    *out = NULL;
    if (!l) {
        buf_add_text(why, "out of memory");
        return -1;
    }
    if (advise(&advice, why) != 0)
        goto done;
    l->handle = open_now(path, advice);
    if (!l->handle) {
        buf_add_format(why, "cannot be loaded: %s", last_error());
        goto done;
    }
    *out = l;
    l = NULL;
    rc = 0;
done:
    if (advice)
        lt_dladvise_destroy(&advice);
    free(l);
    return rc;
}

const dw_plugin *library_plugin(struct library *l, struct buf *why)
{
    union { /* what a symbol is, ISO C does not say */
        void *symbol;
        const dw_plugin *(*function)(void);
    } entry;

    entry.symbol = lt_dlsym(l->handle, "dowel_plugin_v0");
    if (!entry.symbol) {
        buf_add_text(
            why, "exports no dowel_plugin_v0: it is no Dowel plugin, or one for another major version of the "
                 "plugin ABI");
        return NULL;
    }
    const dw_plugin *p = entry.function();
    if (!p)
        buf_add_text(why, "dowel_plugin_v0 gave no descriptor");
    return p;
}

void library_forget(struct library *l)
{
    free(l);
}
