#include "backup/manifest.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backup/files.h"
#include "util/clock.h"
#include "util/json.h"
#include "util/new_file.h"

#define HASH_FILE BACKUP_MANIFEST ".sha256"

enum { MANIFEST_MAX = 16 << 20 };

static int out_of_memory(struct buf *why)
{
    buf_add_text(why, "memory is out");
    return -1;
}

const char *manifest_database(enum db_engine engine)
{
    return engine == DB_POSTGRES ? "database.dump" : "database.sqlite";
}

/* ---- what it says ---- */

const char *manifest_text(const json_t *manifest, const char *name)
{
    const char *text = json_string_value(json_object_get(manifest, name));

    return text ? text : "";
}

enum db_engine manifest_engine(const json_t *manifest)
{
    const char *name = manifest_text(manifest, "engine");

    return strcmp(name, "sqlite") == 0     ? DB_SQLITE
           : strcmp(name, "postgres") == 0 ? DB_POSTGRES
                                           : (enum db_engine)0;
}

uint64_t manifest_size(const json_t *manifest)
{
    const json_t *file;
    uint64_t size = 0;
    size_t i;

    json_array_foreach(json_object_get(manifest, "files"), i, file) size +=
        (uint64_t)json_integer_value(json_object_get(file, "size"));
    return size;
}

json_t *manifest_history(const struct migrate_history *history)
{
    json_t *list = json_array();

    for (size_t i = 0; i < history->n; i++) {
        const struct migrate_record *r = &history->v[i];
        char at[CLOCK_RFC3339_SIZE];
        clock_format_rfc3339(r->applied_at_us, at);
        json_t *one = json_pack("{s:s, s:i, s:s, s:s, s:s}", "owner", r->owner, "number", (int)r->number,
                                "name", r->name, "checksum", r->checksum, "applied_at", at);
        if (json_array_append_new(list, one) != 0) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

static int read_record(struct migrate_record *out, struct arena *arena, const json_t *from)
{
    json_int_t number = json_integer_value(json_object_get(from, "number"));

    out->owner = arena_copy(arena, str_from(manifest_text(from, "owner")));
    out->name = arena_copy(arena, str_from(manifest_text(from, "name")));
    out->checksum = arena_copy(arena, str_from(manifest_text(from, "checksum")));
    out->server = "";
    out->number = (unsigned)number;
    return out->owner && out->name && out->checksum && number > 0 && number < INT_MAX ? 0 : -1;
}

int manifest_history_read(struct migrate_history *out, struct arena *arena, const json_t *manifest)
{
    const json_t *list = json_object_get(manifest, "migrations");
    size_t n = json_array_size(list);

    *out = (struct migrate_history){ arena_calloc(arena, (n + 1) * sizeof(*out->v)), 0 };
    if (!out->v || !json_is_array(list))
        return -1;
    for (; out->n < n; out->n++) {
        if (read_record(&out->v[out->n], arena, json_array_get(list, out->n)) != 0)
            return -1;
    }
    return 0;
}

/* ---- writing ---- */

static int add_file(json_t *list, const char *folder, const char *name, struct buf *why)
{
    char path[PATH_MAX], hash[DIGEST_HEX_SIZE];
    uint64_t size;

    if (!files_path(path, sizeof(path), folder, name, why) || files_hash(path, &size, hash, why) != 0)
        return -1;
    json_t *one = json_pack("{s:s, s:I, s:s}", "path", name, "size", (json_int_t)size, "sha256", hash);
    return json_array_append_new(list, one) == 0 ? 0 : out_of_memory(why);
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static int is_shown(const struct dirent *entry)
{
    return strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
}

static int add_config(json_t *list, const char *folder, struct buf *why)
{
    char inside[PATH_MAX], name[NAME_MAX + sizeof(BACKUP_CONFIG) + 1];
    struct dirent **entries;
    int result = 0;

    if (!files_path(inside, sizeof(inside), folder, BACKUP_CONFIG, why))
        return -1;
    int n = scandir(inside, &entries, is_shown, by_name);
    if (n < 0 && errno == ENOENT)
        return 0;
    if (n < 0) {
        buf_add_format(why, "%s: cannot be read: %s", inside, strerror(errno));
        return -1;
    }
    for (int i = 0; i < n; i++) {
        snprintf(name, sizeof(name), BACKUP_CONFIG "/%s", entries[i]->d_name);
        if (result == 0)
            result = add_file(list, folder, name, why);
        free(entries[i]);
    }
    free(entries);
    return result;
}

static int write_file(const char *folder, const char *name, struct str text, struct buf *why)
{
    char path[PATH_MAX];
    bool made;

    if (!files_path(path, sizeof(path), folder, name, why))
        return -1;
    if (new_file_write(path, 0600, text, &made) == 0 && made)
        return 0;
    buf_add_format(why, "%s: cannot be written: %s", path, strerror(errno));
    return -1;
}

/* As sha256sum writes it, so that anybody can check it. */
static int write_hash(const char *folder, struct str text, struct buf *why)
{
    char hash[DIGEST_HEX_SIZE], line[DIGEST_HEX_SIZE + sizeof(BACKUP_MANIFEST) + 4];

    if (digest_hex(DIGEST_SHA256, text, hash) != 0)
        return out_of_memory(why);
    snprintf(line, sizeof(line), "%s  " BACKUP_MANIFEST "\n", hash);
    return write_file(folder, HASH_FILE, str_from(line), why);
}

int manifest_write(const char *folder, json_t *about, struct buf *why)
{
    json_t *files = json_array();
    char *text = NULL;

    int result = add_file(files, folder, manifest_database(manifest_engine(about)), why);
    if (result == 0)
        result = add_config(files, folder, why);
    if (result == 0) {
        text = json_object_set(about, "files", files) == 0 ? json_dumps(about, JSON_INDENT(2)) : NULL;
        result = text ? write_file(folder, BACKUP_MANIFEST, str_from(text), why) : out_of_memory(why);
    }
    if (result == 0)
        result = write_hash(folder, str_from(text), why);
    free(text);
    json_decref(files);
    return result;
}

/* ---- reading ---- */

static int read_text(const char *folder, const char *name, struct buf *out, struct buf *why)
{
    char path[PATH_MAX], piece[4096];
    ssize_t n = 0;

    if (!files_path(path, sizeof(path), folder, name, why))
        return -1;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        buf_add_format(why, "%s: cannot be opened: %s%s", path, strerror(errno),
                       errno == ENOENT ? "; a backup is a folder with this file in it" : "");
        return -1;
    }
    while (out->n < MANIFEST_MAX && ((n = read(fd, piece, sizeof(piece))) > 0 || (n < 0 && errno == EINTR)))
        buf_add(out, piece, n > 0 ? (size_t)n : 0);
    if (n != 0)
        buf_add_format(why, "%s: cannot be read: %s", path, n < 0 ? strerror(errno) : "it is too large");
    close(fd);
    if (buf_failed(out))
        return out_of_memory(why);
    return n == 0 ? 0 : -1;
}

static int check_own_hash(const char *folder, struct str text, struct buf *why)
{
    char hash[DIGEST_HEX_SIZE];
    struct buf noted = BUF_INIT;

    int result = read_text(folder, HASH_FILE, &noted, why);
    if (result == 0 && digest_hex(DIGEST_SHA256, text, hash) != 0)
        result = out_of_memory(why);
    if (result == 0 && !str_starts_with(buf_str(&noted), str_from(hash))) {
        buf_add_format(why,
                       "%s/" BACKUP_MANIFEST ": is not as it was written: its SHA-256 is not what " HASH_FILE
                       " says",
                       folder);
        result = -1;
    }
    buf_finish(&noted);
    return result;
}

static int judge(const json_t *manifest, const char *folder, struct buf *why)
{
    json_int_t format = json_integer_value(json_object_get(manifest, "format"));

    if (format > MANIFEST_FORMAT)
        buf_add_format(why,
                       "%s: was made by dowel %s, in a format that this version does not know; use that one",
                       folder, manifest_text(manifest, "dowel"));
    else if (format < 1 || !manifest_engine(manifest) || !json_is_array(json_object_get(manifest, "files")))
        buf_add_format(why, "%s/" BACKUP_MANIFEST ": describes no backup", folder);
    else
        return 0;
    return -1;
}

int manifest_read(json_t **out, const char *folder, struct buf *why)
{
    struct buf text = BUF_INIT;
    struct json_fault fault;

    *out = NULL;
    int result = read_text(folder, BACKUP_MANIFEST, &text, why);
    if (result == 0)
        result = check_own_hash(folder, buf_str(&text), why);
    if (result == 0 && json_strict_parse(buf_str(&text), MANIFEST_MAX, out, &fault) != 0) {
        buf_add_format(why, "%s/" BACKUP_MANIFEST ": line %u: %s", folder, fault.line, fault.text);
        result = -1;
    }
    if (result == 0)
        result = judge(*out, folder, why);
    if (result != 0) {
        json_decref(*out);
        *out = NULL;
    }
    buf_finish(&text);
    return result;
}

/* ---- checking ---- */

/* A list that was made elsewhere leads nowhere but into its own folder. */
static bool is_inside(const char *path)
{
    return *path && *path != '/' && !strstr(path, "..");
}

static int check_file(const json_t *file, const char *folder, struct buf *why)
{
    const char *name = manifest_text(file, "path");
    char path[PATH_MAX], hash[DIGEST_HEX_SIZE];
    uint64_t size;

    if (!is_inside(name)) {
        buf_add_format(why, "%s/" BACKUP_MANIFEST ": lists \"%s\", which is not in the backup", folder, name);
        return -1;
    }
    if (!files_path(path, sizeof(path), folder, name, why) || files_hash(path, &size, hash, why) != 0)
        return -1;
    uint64_t noted = (uint64_t)json_integer_value(json_object_get(file, "size"));
    if (size != noted)
        buf_add_format(why, "%s: has %llu bytes, and had %llu when it was written", path,
                       (unsigned long long)size, (unsigned long long)noted);
    else if (strcmp(hash, manifest_text(file, "sha256")) != 0)
        buf_add_format(why, "%s: is damaged: its SHA-256 is not what it was when it was written", path);
    else
        return 0;
    return -1;
}

int manifest_check(const json_t *manifest, const char *folder, struct buf *why)
{
    const json_t *file;
    int result = 0;
    size_t i;

    json_array_foreach(json_object_get(manifest, "files"), i, file)
    {
        struct buf one = BUF_INIT;
        if (check_file(file, folder, &one) != 0) {
            buf_add_format(why, "%s%s", result != 0 ? "\n" : "", buf_text(&one));
            result = -1;
        }
        buf_finish(&one);
    }
    return result;
}
