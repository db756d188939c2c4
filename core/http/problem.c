#include "http/problem.h"

/* By status. Texts are plain ASCII without '<', '&' and quotes, so that they stand in JSON, HTML and markdown as they
 * are; a test sees to it. The German titles stand in JSON only. */
static const struct problem problems[] = {
    { .status = 400,
      .slug = "bad-request",
      .title = "Bad request",
      .german = "Fehlerhafte Anfrage",
      .meaning = "The request could not be understood, or its parts contradict each other.",
      .what_to_do =
          "Read the detail and the errors, change the request, and send it again. Sending it unchanged "
          "will fail again." },
    { .status = 401,
      .slug = "unauthorized",
      .title = "Not signed in",
      .german = "Nicht angemeldet",
      .meaning =
          "The request needs a valid token, API key or session, and there was none, or it has expired or was "
          "revoked.",
      .what_to_do = "Sign in again and repeat the request with the new token." },
    { .status = 403,
      .slug = "forbidden",
      .title = "Not allowed",
      .german = "Nicht erlaubt",
      .meaning = "The server knows who asks, and this is not something they may do.",
      .what_to_do = "Ask an administrator for the permission that the detail names." },
    { .status = 404,
      .slug = "not-found",
      .title = "Not found",
      .german = "Nicht gefunden",
      .meaning = "There is nothing at this address, or nothing that you may know of.",
      .what_to_do = "Check the path and the id. What belongs to another tenant is not found either." },
    { .status = 405,
      .slug = "method-not-allowed",
      .title = "Method not allowed",
      .german = "Methode nicht erlaubt",
      .meaning = "The address exists, but not for this method.",
      .what_to_do = "Use one of the methods in the Allow header of the answer." },
    { .status = 406,
      .slug = "not-acceptable",
      .title = "Not acceptable",
      .german = "Nicht annehmbar",
      .meaning = "None of the forms that the Accept headers ask for can be produced.",
      .what_to_do = "Accept one of the content types that the documentation of the operation names." },
    { .status = 408,
      .slug = "request-timeout",
      .title = "Request timeout",
      .german = "Anfrage zu langsam",
      .meaning = "The request did not arrive completely in the time that the server waits for it.",
      .what_to_do =
          "Send it again on a new connection. If it happens often, look for a slow network or proxy." },
    { .status = 409,
      .slug = "conflict",
      .title = "Conflict",
      .german = "Konflikt",
      .meaning = "The request contradicts the present state: the thing exists already, or it is in use.",
      .what_to_do = "Fetch the present state, decide again, and send a request that fits it." },
    { .status = 410,
      .slug = "gone",
      .title = "Gone",
      .german = "Nicht mehr da",
      .meaning = "What was at this address was removed for good.",
      .what_to_do = "Remove the reference to it." },
    { .status = 412,
      .slug = "precondition-failed",
      .title = "Precondition failed",
      .german = "Vorbedingung nicht erfüllt",
      .meaning =
          "Somebody else changed the resource since you read it: its ETag is no longer the one in If-Match.",
      .what_to_do = "Fetch it again, apply your change to the new state, and send that with the new ETag." },
    { .status = 413,
      .slug = "content-too-large",
      .title = "Content too large",
      .german = "Inhalt zu groß",
      .meaning = "The body is larger than this operation takes.",
      .what_to_do = "Send less at once, or ask an administrator to raise the limit." },
    { .status = 414,
      .slug = "uri-too-long",
      .title = "URI too long",
      .german = "Adresse zu lang",
      .meaning = "The request line is longer than 8 KiB.",
      .what_to_do = "Send long values in the body instead of the query." },
    { .status = 415,
      .slug = "unsupported-media-type",
      .title = "Unsupported media type",
      .german = "Medientyp nicht unterstützt",
      .meaning = "The operation does not read bodies of this Content-Type or Content-Encoding.",
      .what_to_do =
          "Send the body as one of the content types that the documentation of the operation names." },
    { .status = 416,
      .slug = "range-not-satisfiable",
      .title = "Range not satisfiable",
      .german = "Bereich nicht erfüllbar",
      .meaning = "The Range header asks for bytes beyond the end of the file.",
      .what_to_do = "Take the length from the Content-Range header of the answer, or fetch the whole file." },
    { .status = 417,
      .slug = "expectation-failed",
      .title = "Expectation failed",
      .german = "Erwartung nicht erfüllbar",
      .meaning = "The Expect header asks for something other than 100-continue.",
      .what_to_do = "Send the request without it." },
    { .status = 421,
      .slug = "misdirected-request",
      .title = "Misdirected request",
      .german = "Falsch geleitete Anfrage",
      .meaning = "The request names a host that this server does not answer for.",
      .what_to_do =
          "Check the address; an administrator finds the accepted host names in the configuration." },
    { .status = 422,
      .slug = "unprocessable-content",
      .title = "Invalid content",
      .german = "Ungültiger Inhalt",
      .meaning = "The body is well-formed, but its values are not what the operation takes.",
      .what_to_do = "Each entry of errors names one place by a JSON pointer, and what is wrong there." },
    { .status = 428,
      .slug = "precondition-required",
      .title = "Precondition required",
      .german = "Vorbedingung nötig",
      .meaning = "This resource is edited by several people and can only be changed with an If-Match header.",
      .what_to_do = "Fetch it, and send its ETag in If-Match." },
    { .status = 429,
      .slug = "too-many-requests",
      .title = "Too many requests",
      .german = "Zu viele Anfragen",
      .meaning = "You sent more requests than the limit allows.",
      .what_to_do = "Wait the seconds that the Retry-After header says, then go on more slowly." },
    { .status = 431,
      .slug = "request-header-fields-too-large",
      .title = "Header fields too large",
      .german = "Kopffelder zu groß",
      .meaning = "The request has more than 100 header fields, one above 8 KiB, or more than 32 KiB of them.",
      .what_to_do = "Send fewer or shorter header fields; very large cookies are the usual reason." },
    { .status = 500,
      .slug = "internal-error",
      .title = "Internal error",
      .german = "Interner Fehler",
      .meaning = "The server met a condition that it did not expect. That is a fault of the server.",
      .what_to_do =
          "Try again once. If it stays, give an administrator the instance: the log has an entry under "
          "this id." },
    { .status = 501,
      .slug = "not-implemented",
      .title = "Not implemented",
      .german = "Nicht implementiert",
      .meaning = "The server does not know this method or transfer coding.",
      .what_to_do = "Use a method of the documentation, and no transfer coding but chunked." },
    { .status = 502,
      .slug = "bad-gateway",
      .title = "Bad gateway",
      .german = "Fehler eines anderen Dienstes",
      .meaning = "A service behind this one gave no usable answer.",
      .what_to_do = "Try again later. An administrator finds the answer of that service in the log." },
    { .status = 503,
      .slug = "service-unavailable",
      .title = "Service unavailable",
      .german = "Dienst nicht verfügbar",
      .meaning =
          "The server has more work than it can take at the moment, or a part that it needs is not ready.",
      .what_to_do =
          "Wait the seconds that the Retry-After header says and try again; /readyz tells what is missing." },
    { .status = 504,
      .slug = "gateway-timeout",
      .title = "Timeout",
      .german = "Zeit überschritten",
      .meaning = "The answer was not ready in the time that a request may take.",
      .what_to_do =
          "Ask for less at once, or try again later. Check first whether a change was made nevertheless." },
    { .status = 505,
      .slug = "http-version-not-supported",
      .title = "HTTP version not supported",
      .german = "HTTP-Version nicht unterstützt",
      .meaning = "The server speaks HTTP/1.0 and HTTP/1.1.",
      .what_to_do = "Use one of them; a front proxy can speak HTTP/2 for it." },
    { .status = 507,
      .slug = "insufficient-storage",
      .title = "Insufficient storage",
      .german = "Kein Speicherplatz",
      .meaning = "The server has no room to keep the content of the request while it works on it.",
      .what_to_do =
          "Try again later, or with less. An administrator makes room on the disk of the data directory." },
};

static const struct problem *problem_exact(int status)
{
    for (size_t i = 0; i < DW_COUNT_OF(problems); i++) {
        if (problems[i].status == status)
            return &problems[i];
    }
    return NULL;
}

const struct problem *problem_of(int status)
{
    const struct problem *p = problem_exact(status);
    return p ? p : problem_exact(status >= 400 && status < 500 ? 400 : 500);
}

const struct problem *problem_by_slug(struct str slug)
{
    for (size_t i = 0; i < DW_COUNT_OF(problems); i++) {
        if (str_equal(str_from(problems[i].slug), slug))
            return &problems[i];
    }
    return NULL;
}

const struct problem *problem_at(size_t i)
{
    return i < DW_COUNT_OF(problems) ? &problems[i] : NULL;
}

static void add_errors(struct buf *out, const struct problem_error *errors, size_t n)
{
    buf_add_text(out, ",\"errors\":[");
    for (size_t i = 0; i < n; i++) {
        buf_add_text(out, i ? ",{\"pointer\":" : "{\"pointer\":");
        buf_add_json(out, errors[i].pointer);
        buf_add_text(out, ",\"detail\":");
        buf_add_json(out, errors[i].detail);
        buf_add_char(out, '}');
    }
    buf_add_char(out, ']');
}

void problem_write(struct buf *out, int status, struct str detail, struct str instance,
                   const struct problem_error *errors, size_t errors_n)
{
    problem_write_in(out, HTTP_ENGLISH, status, detail, instance, errors, errors_n);
}

void problem_write_in(struct buf *out, enum http_language language, int status, struct str detail,
                      struct str instance, const struct problem_error *errors, size_t errors_n)
{
    const struct problem *p = problem_of(status);

    buf_add_text(out, "{\"type\":\"/problems/");
    buf_add_text(out, p->slug);
    buf_add_text(out, "\",\"title\":\"");
    buf_add_text(out, language == HTTP_GERMAN ? p->german : p->title);
    buf_add_text(out, "\",\"status\":");
    buf_add_int(out, status);
    if (detail.n) {
        buf_add_text(out, ",\"detail\":");
        buf_add_json(out, detail);
    }
    if (instance.n) {
        buf_add_text(out, ",\"instance\":");
        buf_add_json(out, instance);
    }
    if (errors_n)
        add_errors(out, errors, errors_n);
    buf_add_char(out, '}');
}

void problem_write_page(struct buf *out, const struct problem *p)
{
    buf_add_format(out,
                   "<!doctype html>\n"
                   "<html lang=\"en\">\n"
                   "<meta charset=\"utf-8\">\n"
                   "<title>%d %s</title>\n"
                   "<h1>%d %s</h1>\n"
                   "<p>%s</p>\n"
                   "<h2>What to do</h2>\n"
                   "<p>%s</p>\n"
                   "</html>\n",
                   p->status, p->title, p->status, p->title, p->meaning, p->what_to_do);
}

void problem_write_chapter(struct buf *out)
{
    buf_add_text(
        out,
        "# Problems\n\n"
        "Every error is answered with `application/problem+json` (RFC 9457). Its `type` is the address of a "
        "page on the\nserver that answered, with the text that stands here; `detail` says what was wrong "
        "this "
        "time, `instance` is the\nrequest id under which the log knows it, and `errors` lists single faults "
        "by JSON pointer.\n\n"
        "<!-- Generated from core/http/problem.c: DOWEL_UPDATE=1 build/dev/bin/problem_test -->\n");
    for (size_t i = 0; i < DW_COUNT_OF(problems); i++) {
        const struct problem *p = &problems[i];
        buf_add_format(out, "\n## %d %s\n\n`/problems/%s`\n\n%s\n\n%s\n", p->status, p->title, p->slug,
                       p->meaning, p->what_to_do);
    }
}
