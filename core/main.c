#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli/cli.h"
#include "util/json.h"

/* Who starts us with a standard descriptor closed would else see the log written into the socket or file that gets its
 * number. The wrong way round, so that writing to a closed standard output stays an error. */
static void occupy_standard_descriptors(void)
{
    static const int modes[] = { O_WRONLY, O_RDONLY, O_RDONLY };

    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", modes[fd]) != fd)
            abort();
    }
}

int main(int argc, char **argv)
{
    occupy_standard_descriptors();
    json_start();
    return cli_main(argc, argv);
}
