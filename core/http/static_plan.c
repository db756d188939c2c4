#include "http/static_plan.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#include "http/media.h"
#include "util/clock.h"

static const char cache_immutable[] = "public, max-age=31536000, immutable";

/* ---- names ---- */

/* One segment: see static.h. A backslash is a separator to some clients and proxies, so nothing may depend on it. */
static bool is_visible(struct str segment)
{
    return segment.n > 0 && segment.p[0] != '.' && str_find(segment, '\\') == segment.n &&
           str_find(segment, 0) == segment.n;
}

static bool path_is_visible(struct str path)
{
    struct str rest = path, segment;
    bool is_first = true;

    while (str_split(&rest, '/', &segment)) {
        bool is_end = !rest.p; /* empty after the last slash: a folder */
        bool is_well_known = is_first && str_equal(segment, STR_OF(".well-known"));
        if (!is_visible(segment) && !is_well_known && !(is_end && segment.n == 0))
            return false;
        is_first = false;
    }
    return true;
}

bool static_name_is_hashed(struct str name)
{
    const char *dot = name.n ? memrchr(name.p, '.', name.n) : NULL;
    size_t end = dot ? (size_t)(dot - name.p) : 0, begin = end;
    bool letter = false, digit = false;

    for (; begin > 0 && name.p[begin - 1] != '-' && name.p[begin - 1] != '.'; begin--) {
        char c = name.p[begin - 1];
        bool is_letter = (c | 0x20) >= 'a' && (c | 0x20) <= 'z', is_digit = c >= '0' && c <= '9';
        if (!is_letter && !is_digit && c != '_')
            return false;
        letter = letter || is_letter;
        digit = digit || is_digit;
    }
    return begin > 0 && end - begin >= 8 && letter && digit;
}

/* ---- the file ---- */

struct file {
    int fd;
    struct stat st;
    char path[PATH_MAX]; /* of the file that was asked for, without .br or .gz */
};

static int status_of_errno(void)
{
    switch (errno) {
    case EACCES:
    case EPERM: return 403;
    case EMFILE:
    case ENFILE:
    case ENOMEM: return 503;
    case ENOENT: return 404;
    default: return 500;
    }
}

static void close_file(struct file *f)
{
    if (f->fd >= 0)
        close(f->fd);
    f->fd = -1;
}

/* 200 and f->fd is a regular file, or the status of what happened instead. */
static int open_file(const struct beneath *root, struct str path, struct file *f)
{
    static const struct str index = STR("index.html");
    bool is_folder = path.n == 0 || path.p[path.n - 1] == '/';

    if (!path_is_visible(path) || path.n + index.n >= sizeof(f->path))
        return 404;
    memcpy(f->path, path.p, path.n);
    f->path[path.n] = 0;
    if (is_folder)
        memcpy(f->path + path.n, index.p, index.n + 1);
    f->fd = beneath_open(root, f->path, &f->st);
    if (f->fd < 0)
        return status_of_errno();
    if (S_ISREG(f->st.st_mode))
        return 200;
    close_file(f);
    return is_folder ? 404 : 308;
}

/* Puts the compressed sibling that the client likes best in the file's place, if there is one. */
static enum http_coding prefer_sibling(const struct beneath *root, const struct accept_encoding *accepted,
                                       struct file *f)
{
    static const char *const endings[CODINGS] = { [CODING_GZIP] = ".gz", [CODING_BR] = ".br" };
    unsigned left = 1u << CODING_GZIP | 1u << CODING_BR;
    enum http_coding coding;

    while ((coding = compress_choose(accepted, left)) != CODING_IDENTITY) {
        char path[sizeof(f->path) + 4];
        struct stat st;
        snprintf(path, sizeof(path), "%s%s", f->path, endings[coding]);
        int fd = beneath_open(root, path, &st);
        /* One that is older was forgotten when the file was replaced. */
        if (fd >= 0 && S_ISREG(st.st_mode) && st.st_mtime >= f->st.st_mtime) {
            close_file(f);
            f->fd = fd;
            f->st = st;
            return coding;
        }
        if (fd >= 0)
            close(fd);
        left &= ~(1u << coding);
    }
    return CODING_IDENTITY;
}

/* ---- the answer ---- */

static void set_validators(const struct stat *st, struct static_plan *out)
{
    uint64_t changed_ns = (uint64_t)st->st_mtim.tv_sec * 1000000000u + (uint64_t)st->st_mtim.tv_nsec;

    snprintf(out->etag, sizeof(out->etag), "\"%llx-%llx-%llx\"", (unsigned long long)changed_ns,
             (unsigned long long)st->st_size, (unsigned long long)st->st_ino);
    clock_format_http((int64_t)st->st_mtim.tv_sec * CLOCK_SECOND, out->last_modified);
}

static void judge(const struct static_request *request, int64_t modified_s, struct static_plan *out)
{
    const struct validators have = { .etag = str_from(out->etag), .modified_s = modified_s };
    struct range_part part = { 0, out->whole_size };

    out->status = 200;
    switch (condition_judge(&request->conditions, &have, true)) {
    case CONDITION_FAILED: out->status = 412; return;
    case CONDITION_NOT_MODIFIED: out->status = 304; return;
    case CONDITION_HOLDS: break;
    }
    switch (range_judge(request->range, request->if_range, &have, out->whole_size, &part)) {
    case RANGE_BEYOND: out->status = 416; return;
    case RANGE_PART: out->status = 206; break;
    case RANGE_WHOLE: break;
    }
    out->offset = part.offset;
    out->size = part.size;
}

void static_plan_make(const struct beneath *root, const struct static_options *options,
                      const struct static_request *request, struct static_plan *out)
{
    struct file f = { .fd = -1 };

    *out = (struct static_plan){ .fd = -1 };
    out->status = open_file(root, request->path, &f);
    if (out->status != 200)
        return;

    struct str name = str_from(f.path);
    out->content_type = media_type_of(name);
    out->cache_control = options->cache_control ? options->cache_control : "no-cache";
    if (options->hashed_names && static_name_is_hashed(name))
        out->cache_control = cache_immutable;
    if (!options->no_precompressed && compress_type_shrinks(str_from(out->content_type))) {
        out->vary = true;
        out->coding = prefer_sibling(root, &request->accepted, &f);
    }
    out->whole_size = f.st.st_size;
    set_validators(&f.st, out);
    judge(request, f.st.st_mtim.tv_sec, out);
    if (out->status == 200 || out->status == 206)
        out->fd = f.fd;
    else
        close_file(&f);
}
