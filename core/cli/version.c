/* version.c - `dowel version`: which program, made of what. */
#include <curl/curl.h>
#include <event2/event.h>
#include <jansson.h>
#include <libfyaml.h>
#include <openssl/crypto.h>
#include <zlib.h>

#include "cli/settings.h"

struct library {
    const char *name, *version;
};

enum { LIBRARIES = 6 };

/* What is loaded now, which may be newer than what it was built with. */
static void find_libraries(struct library out[LIBRARIES])
{
    out[0] = (struct library){ "libevent", event_get_version() };
    out[1] = (struct library){ "openssl", OpenSSL_version(OPENSSL_VERSION_STRING) };
    out[2] = (struct library){ "libcurl", curl_version_info(CURLVERSION_NOW)->version };
    out[3] = (struct library){ "libfyaml", fy_library_version() };
    out[4] = (struct library){ "jansson", jansson_version_str() };
    out[5] = (struct library){ "zlib", zlibVersion() };
}

static int run(const struct cli *c)
{
    struct library libraries[LIBRARIES];
    struct buf text = BUF_INIT;

    find_libraries(libraries);
    buf_add_text(&text, c->json ? "{\"name\":\"dowel\",\"version\":\"" DOWEL_VERSION "\",\"libraries\":{"
                                : "dowel " DOWEL_VERSION "\n");
    for (size_t i = 0; i < LIBRARIES; i++) {
        if (!c->json) {
            buf_add_format(&text, "%s%s %s", i ? ", " : "", libraries[i].name, libraries[i].version);
            continue;
        }
        buf_add_format(&text, "%s\"%s\":", i ? "," : "", libraries[i].name);
        buf_add_json(&text, str_from(libraries[i].version));
    }
    buf_add_text(&text, c->json ? "}}\n" : "\n");
    return cli_print(&text);
}

const struct cli_verb cli_verb_version = {
    .name = "version",
    .arguments = "",
    .summary = "Says which version this is, and of its libraries",
    .run = run,
};
