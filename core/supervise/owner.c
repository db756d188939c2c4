#include "supervise/owner.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { STATE_LISTEN = 0x0A };

/* /proc/net/tcp writes an address as native-endian 32-bit words in hex: "0100007F" is 127.0.0.1. */
static bool parse_words(const char *hex, struct address *out)
{
    size_t words = strlen(hex) / 8;

    memset(out, 0, sizeof(*out));
    if (words != 1 && words != 4)
        return false;
    for (size_t i = 0; i < words; i++) {
        char word[9] = { 0 };
        memcpy(word, hex + 8 * i, 8);
        uint32_t value = (uint32_t)strtoul(word, NULL, 16);
        memcpy(out->bytes + 4 * i, &value, 4);
    }
    out->size = (uint8_t)(4 * words);
    return true;
}

static bool is_any(const struct address *a)
{
    static const uint8_t zero[16];
    return memcmp(a->bytes, zero, a->size) == 0;
}

/* 0.0.0.0 is in the way of every IPv4 address, and the other way round. :: may or may not be in the way of IPv4; it is
 * only looked at when a bind has failed, so it is taken as the one. */
static bool in_the_way(const struct address *theirs, const struct address *ours)
{
    if (theirs->size == 16 && is_any(theirs))
        return true;
    if (theirs->size != ours->size)
        return false;
    return is_any(theirs) || is_any(ours) || address_equal(theirs, ours);
}

/* "  sl  local_address rem_address   st tx:rx tr:tm retrnsmt   uid  timeout inode": the inode of the line when it is a
 * socket that listens where spec would, else 0. */
static unsigned long inode_of(char *line, const struct listen_spec *spec)
{
    enum { LOCAL = 1, STATE = 3, INODE = 9, FIELDS };
    char *field[FIELDS], *rest = NULL;
    struct address theirs;

    for (size_t i = 0; i < FIELDS; i++) {
        field[i] = strtok_r(i == 0 ? line : NULL, " ", &rest);
        if (!field[i])
            return 0;
    }
    char *port = strchr(field[LOCAL], ':');
    if (!port || strtoul(port + 1, NULL, 16) != spec->port || strtoul(field[STATE], NULL, 16) != STATE_LISTEN)
        return 0;
    *port = 0;
    if (!parse_words(field[LOCAL], &theirs) || !in_the_way(&theirs, &spec->address))
        return 0;
    return strtoul(field[INODE], NULL, 10);
}

static unsigned long find_inode(const char *table, const struct listen_spec *spec)
{
    char line[512];
    unsigned long found = 0;
    FILE *f = fopen(table, "re");

    if (!f)
        return 0;
    while (found == 0 && fgets(line, sizeof(line), f))
        found = inode_of(line, spec);
    fclose(f);
    return found;
}

static bool holds(int fd_dir, const char *wanted)
{
    bool found = false;
    DIR *dir = fdopendir(fd_dir);

    if (!dir) {
        close(fd_dir);
        return false;
    }
    for (struct dirent *e; !found && (e = readdir(dir));) {
        char target[64];
        ssize_t n = readlinkat(dirfd(dir), e->d_name, target, sizeof(target) - 1);
        if (n <= 0)
            continue;
        target[n] = 0;
        found = strcmp(target, wanted) == 0;
    }
    closedir(dir);
    return found;
}

static void read_name(int proc, const char *pid, char out[OWNER_NAME_SIZE])
{
    char path[64];
    ssize_t n = -1;

    snprintf(path, sizeof(path), "%.20s/comm", pid);
    int fd = openat(proc, path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
        n = read(fd, out, OWNER_NAME_SIZE - 1);
        close(fd);
    }
    out[n > 0 ? n : 0] = 0;
    out[strcspn(out, "\n")] = 0;
}

static void find_process(unsigned long inode, struct port_owner *out)
{
    char wanted[64], path[64];
    DIR *proc = opendir("/proc");

    snprintf(wanted, sizeof(wanted), "socket:[%lu]", inode);
    if (!proc)
        return;
    for (struct dirent *e; out->pid == 0 && (e = readdir(proc));) {
        if (!isdigit((unsigned char)e->d_name[0]))
            continue;
        snprintf(path, sizeof(path), "%.20s/fd", e->d_name);
        int fd = openat(dirfd(proc), path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0 || !holds(fd, wanted))
            continue;
        out->pid = (pid_t)strtol(e->d_name, NULL, 10);
        read_name(dirfd(proc), e->d_name, out->name);
    }
    closedir(proc);
}

bool port_owner_find(const struct listen_spec *spec, struct port_owner *out)
{
    static const char *const tables[] = { "/proc/net/tcp", "/proc/net/tcp6" };
    unsigned long inode = 0;

    memset(out, 0, sizeof(*out));
    for (size_t i = 0; inode == 0 && i < DW_COUNT_OF(tables); i++)
        inode = find_inode(tables[i], spec);
    if (inode == 0)
        return false;
    find_process(inode, out);
    return true;
}
