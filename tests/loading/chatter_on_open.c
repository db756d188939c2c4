/* chatter_on_open.c - prints without end when it is opened, faster than anybody can read. */
#include <dowel/dowel.h>
#include <unistd.h>

__attribute__((constructor)) static void chatter(void)
{
    static const char words[65536] = "and another thing: ";

    for (int i = 0; i < 3; i++) {
        if (fork() == 0)
            break;
    }
    while (write(STDOUT_FILENO, words, sizeof(words)) > 0)
        continue;
}

DOWEL_PLUGIN(.name = "chatter_on_open", .version = "1.0.0");
