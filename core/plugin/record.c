#include "plugin/record.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/new_file.h"

static int find_path(char path[PATH_MAX], const char *data_dir, const char *name)
{
    if (snprintf(path, PATH_MAX, "%s/plugins%s%s", data_dir, *name ? "/" : "", name) < PATH_MAX)
        return 0;
    errno = ENAMETOOLONG;
    return -1;
}

static bool is_trusted(int fd)
{
    struct stat st;

    return fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && (st.st_uid == geteuid() || st.st_uid == 0) &&
           !(st.st_mode & (S_IWGRP | S_IWOTH));
}

/* The command line as root reads what the server's user has written: then its owner is that of the data. */
static bool is_of_the_datas_owner(int fd, const char *data_dir)
{
    struct stat st, data;

    return geteuid() == 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && stat(data_dir, &data) == 0 &&
           st.st_uid == data.st_uid && !(st.st_mode & (S_IWGRP | S_IWOTH));
}

json_t *record_read(const char *data_dir, const char *name)
{
    char path[PATH_MAX];
    json_t *record = NULL;

    if (find_path(path, data_dir, name) != 0)
        return NULL;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0)
        return NULL;
    if (is_trusted(fd) || is_of_the_datas_owner(fd, data_dir))
        record = json_loadfd(fd, JSON_REJECT_DUPLICATES, NULL);
    close(fd);
    if (json_is_object(record))
        return record;
    json_decref(record);
    return NULL;
}

static int make_folder(const char *data_dir)
{
    char path[PATH_MAX];
    struct stat st;

    if (stat(data_dir, &st) != 0 || find_path(path, data_dir, "") != 0)
        return -1;
    if (st.st_uid != geteuid()) {
        errno = EPERM;
        return -1;
    }
    return mkdir(path, 0700) == 0 || errno == EEXIST ? 0 : -1;
}

int record_write(const char *data_dir, const char *name, const json_t *record)
{
    char path[PATH_MAX];

    if (make_folder(data_dir) != 0 || find_path(path, data_dir, name) != 0)
        return -1;
    char *text = json_dumps(record, JSON_INDENT(1));
    if (!text) {
        errno = ENOMEM;
        return -1;
    }
    int result = new_file_replace(path, 0600, str_from(text)), error = errno;
    free(text);
    errno = error;
    return result;
}
