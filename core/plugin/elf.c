/* elf.c - is it a whole shared object for this kind of machine? The loader of the system trusts its input: what is cut
 * off kills the process with SIGBUS. */
#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <stdio.h>
#include <unistd.h>

#include "plugin/files.h"
#include "util/compiler.h"

static const struct {
    unsigned number;
    const char *name;
} machines[] = {
    { EM_X86_64, "x86-64" }, { EM_AARCH64, "ARM64" }, { EM_386, "x86" },
    { EM_ARM, "ARM" },       { EM_RISCV, "RISC-V" },  { EM_PPC64, "POWER" },
    { EM_S390, "S/390" },    { EM_MIPS, "MIPS" },     { EM_LOONGARCH, "LoongArch" },
};

static const char *machine_name(unsigned number)
{
    for (size_t i = 0; i < DW_COUNT_OF(machines); i++) {
        if (machines[i].number == number)
            return machines[i].name;
    }
    return "another kind of";
}

/* This very program's header says what this machine runs. */
static bool own_header(ElfW(Ehdr) * out)
{
    int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return false;
    bool whole = pread(fd, out, sizeof(*out), 0) == (ssize_t)sizeof(*out);
    close(fd);
    return whole;
}

/* Of `n` things of `size` bytes from `offset` on. */
static bool is_inside(struct str bytes, uint64_t offset, uint64_t n, uint64_t size)
{
    return offset <= bytes.n && n * size <= bytes.n - offset;
}

static const char *segments_wrong(struct str bytes, const ElfW(Ehdr) * head)
{
    bool loads = false, links = false;
    ElfW(Phdr) segment;

    for (size_t i = 0; i < head->e_phnum; i++) {
        memcpy(&segment, bytes.p + head->e_phoff + i * sizeof(segment), sizeof(segment));
        if (segment.p_type != PT_NULL && !is_inside(bytes, segment.p_offset, 1, segment.p_filesz))
            return "is cut off: a segment reaches behind its end; copy it again";
        loads |= segment.p_type == PT_LOAD;
        links |= segment.p_type == PT_DYNAMIC;
    }
    return loads && links
               ? NULL
               : "is no shared object: it has nothing to load or to link; build it with dowel_add_plugin()";
}

static const char *layout_wrong(struct str bytes, const ElfW(Ehdr) * head)
{
    if (head->e_phentsize != sizeof(ElfW(Phdr)) || head->e_phnum == 0)
        return "is damaged: its list of segments has a form that does not exist; copy it again";
    if (!is_inside(bytes, head->e_phoff, head->e_phnum, sizeof(ElfW(Phdr))))
        return "is cut off: its list of segments is missing; copy it again";
    if (head->e_shoff && !is_inside(bytes, head->e_shoff, head->e_shnum, head->e_shentsize))
        return "is cut off: its list of sections is missing; copy it again";
    return segments_wrong(bytes, head);
}

const char *plugin_elf_wrong(struct str bytes, char room[200])
{
    ElfW(Ehdr) head, own;

    if (bytes.n < SELFMAG || memcmp(bytes.p, ELFMAG, SELFMAG) != 0)
        return bytes.n == 0 ? "is empty; copy it again" : "is not a shared object (ELF)";
    if (bytes.n < sizeof(head))
        return "is cut off within its first bytes; copy it again";
    memcpy(&head, bytes.p, sizeof(head));
    if (!own_header(&own))
        return "cannot be compared with this program: /proc is not there; mount it";
    /* A header of the other class has e_machine in the same place. */
    if (head.e_machine != own.e_machine || head.e_ident[EI_CLASS] != own.e_ident[EI_CLASS] ||
        head.e_ident[EI_DATA] != own.e_ident[EI_DATA]) {
        snprintf(room, 200,
                 "is for %s machines (%d bits), this server is for %s (%d bits); get it for this machine",
                 machine_name(head.e_machine), head.e_ident[EI_CLASS] == ELFCLASS64 ? 64 : 32,
                 machine_name(own.e_machine), own.e_ident[EI_CLASS] == ELFCLASS64 ? 64 : 32);
        return room;
    }
    if (head.e_type != ET_DYN)
        return "is a program or an object file, not a shared object; build it with dowel_add_plugin()";
    return layout_wrong(bytes, &head);
}
