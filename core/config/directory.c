#include "config/directory.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

enum { FILES_MAX = 1000, NAME_LENGTH_MAX = 64 };

bool directory_is_name(struct str name)
{
    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i];
        bool letter = c >= 'a' && c <= 'z';
        if (!letter && (i == 0 || !((c >= '0' && c <= '9') || c == '-' || c == '_')))
            return false;
    }
    return name.n > 0 && name.n <= NAME_LENGTH_MAX;
}

static void complain(struct config_problems *problems, const char *path, bool warning, const char *text,
                     const char *hint)
{
    struct config_problem problem = config_problem_at((struct config_place){ path, 0 }, NULL, NULL);
    problem.warning = warning;
    problem.hint = hint;
    config_problem_add(problems, problem, "%s", text);
}

/* True for a file to read; says so when a name is only nearly right. */
static bool wanted(struct str name, const char *path, struct config_problems *problems)
{
    static const struct str suffix = STR(".yaml");

    if (name.p[0] == '.')
        return false;
    if (str_ends_with(name, STR_OF(".yml"))) {
        complain(problems, path, true, "is not read", "rename it to .yaml");
        return false;
    }
    if (!str_ends_with(name, suffix))
        return false;
    name.n -= suffix.n;
    if (directory_is_name(name))
        return true;
    complain(problems, path, false, "is not the name of a plugin's file",
             "use lower case letters, digits, - and _, a letter first");
    return false;
}

static int compare_files(const void *a, const void *b)
{
    const struct directory_file *x = a, *y = b;
    return strcmp(x->name, y->name);
}

static void read_entries(struct arena *arena, DIR *dir, const char *path, struct directory *out,
                         struct config_problems *problems)
{
    struct dirent *entry;
    struct str base = str_from(path);

    while (base.n > 1 && base.p[base.n - 1] == '/')
        base.n--;
    while ((entry = readdir(dir))) {
        struct str name = str_from(entry->d_name);
        const char *full = arena_format(arena, "%.*s%s%s", STR_ARG(base),
                                        base.n == 1 && base.p[0] == '/' ? "" : "/", entry->d_name);
        if (!full) {
            problems->out_of_memory = true;
            return;
        }
        if (!wanted(name, full, problems))
            continue;
        if (out->n == FILES_MAX) {
            complain(problems, path, false, "has more than 1000 files", NULL);
            return;
        }
        const char *stem = arena_copy(arena, str_make(name.p, name.n - 5));
        if (!stem) {
            problems->out_of_memory = true;
            return;
        }
        out->files[out->n++] = (struct directory_file){ stem, full };
    }
}

void directory_read(struct arena *arena, const char *path, bool required, struct directory *out,
                    struct config_problems *problems)
{
    struct stat st;

    *out = (struct directory){ NULL, 0 };
    DIR *dir = opendir(path);
    if (!dir) {
        int error = errno;
        if (error == ENOENT && !required)
            return;
        complain(problems, path, false, strerror(error),
                 error == ENOENT ? "make the directory with: dowel init --config DIR" : NULL);
        return;
    }
    if (fstat(dirfd(dir), &st) == 0 && (st.st_mode & S_IWOTH))
        complain(problems, path, false, "everyone may write to this directory",
                 "take the right away: chmod o-w");
    out->files = arena_calloc(arena, FILES_MAX * sizeof(*out->files));
    if (out->files) {
        read_entries(arena, dir, path, out, problems);
        qsort(out->files, out->n, sizeof(*out->files), compare_files);
    } else {
        problems->out_of_memory = true;
    }
    closedir(dir);
}
