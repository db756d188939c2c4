/* files.h - the files that plugins come in, and whether they may be opened at all.
 *
 * Opening a file as code runs it, so what can be known before is looked at before: whose it is, who may change it, what
 * it was built for, and whether all of it is there. [main thread] */
#ifndef PLUGIN_FILES_H
#define PLUGIN_FILES_H

#include <sys/stat.h>

#include "util/arena.h"
#include "util/buf.h"

enum { PLUGIN_HASH_SIZE = 65 };

/* NAME.so. Texts live in the arena that it was found with. */
struct plugin_file {
    const char *name; /* without .so */
    const char *path;
    const char
        *shadowed; /* the path of another of that name in a later directory, which is not used; NULL: none */
    struct stat seen;            /* by plugin_file_check */
    char hash[PLUGIN_HASH_SIZE]; /* SHA-256 of what is in it, in hex; by plugin_file_check */
};

struct plugin_files {
    struct plugin_file *v; /* by name */
    size_t n;
};

/* Looks into the directories, in their order; one that does not exist holds nothing. 0; or -1 with sentences added to
 * why, a line each, for directories that cannot be read: what the others hold is in *out all the same. */
int plugin_files_find(struct plugin_files *out, struct arena *arena, const char *const *directories, size_t n,
                      struct buf *why);

/* One file by its path, wherever it lies. 0, or -1: it is not called NAME.so, or memory is out. */
int plugin_file_at(struct plugin_file *out, struct arena *arena, const char *path, struct buf *why);

/* What may be wrong with a file before anything of it is used. */
enum plugin_file_fault {
    PLUGIN_FILE_GOOD = 0,
    PLUGIN_FILE_UNSAFE = -1, /* somebody else may have written it */
    PLUGIN_FILE_BROKEN = -2  /* it cannot be read, is damaged, or is for another kind of machine */
};

/* A regular file of root or of this user, that nobody else may change, in a directory of which the same is true; a shared
 * object for this kind of processor, not cut off. Fills seen and hash unless it is broken. Otherwise a sentence with what
 * was found and what repairs it is added to why; the path is not in it. */
enum plugin_file_fault plugin_file_check(struct plugin_file *f, struct buf *why);

/* A line each for the directories above the file's own, also behind a link, that somebody else may write to: root would
 * have to mean that, and no plugin is refused for it. Nothing when there is none. */
void plugin_file_doubt(const struct plugin_file *f, struct buf *why);

/* The same of a directory that plugins are looked for in. One that is not there is in no doubt. */
void plugin_directory_doubt(const char *directory, struct buf *why);

/* Is that path still what plugin_file_check() saw? Ask after opening it. */
bool plugin_file_is_same(const struct plugin_file *f);

/* For plugin_file_check: NULL, or what is wrong with these bytes as a shared object for this machine. */
const char *plugin_elf_wrong(struct str bytes, char room[200]);

#endif
