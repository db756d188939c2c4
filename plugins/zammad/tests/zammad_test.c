/* What is sent, and what comes of each answer: amounts, facts, refusals, webhooks. The stand-in of the black-box tests knows how a
 * whole Zammad behaves; here single answers stand, also those that it never gives. */
#include "desk_rig.h"

/* ---- what is sent ---- */

static void each_form_of_credentials_has_its_field(void **state)
{
    static const struct {
        const char *settings, *header;
    } cases[] = {
        { "\"token\":\"sesame\"", "Authorization: Token token=sesame\r\n" },
        { "\"bearer\":\"oauth\"", "Authorization: Bearer oauth\r\n" },
        { "\"user\":\"ann\",\"password\":\"pass word\"", "Authorization: Basic YW5uOnBhc3Mgd29yZA==\r\n" },
        { "\"token\":\"sesame\",\"on_behalf\":\"bob@example.org\"", "From: bob@example.org\r\n" },
    };
    (void)state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        dw_harness *h = open_desk();
        char settings[300];
        snprintf(settings, sizeof(settings), "\"base_url\":\"" DESK "\",%s", cases[i].settings);
        const char *id = connect(h, settings);
        answers(h, "GET /groups", .json = "[]");
        assert_non_null(things(h, id, "group", .term = NULL));
        const dw_harness_sent *sent = dw_harness_sent_to_peers(h, 0);
        assert_non_null(strstr(sent->headers, cases[i].header));
        assert_non_null(strstr(sent->headers, "Accept: application/json\r\n"));
        assert_string_equal(sent->url, API "/groups?expand=true&page=1&per_page=500");
        assert_int_equal(dw_harness_close(h), 0);
    }
}

/* ---- booked time ---- */

static void knows_its_tickets_and_people(dw_harness *h)
{
    answers(h, "GET /ticket_states", .status = 404,
            .json = "{\"error\":\"No route matches [GET] /api/v1/ticket_states\"}");
    answers(h, "GET /tickets/50", .json = FIRM_TICKET);
    answers(h, "GET /users/3", .json = ANN);
}

static void an_entry_has_all_that_is_known(void **state)
{
    dw_harness *h = open_desk();
    const char *id = connect(h, TOKEN);
    (void)state;

    knows_its_tickets_and_people(h);
    answers(h, "GET /tickets/50/time_accountings", .json = "[" ROW(6, "\"22.0\"") "]");
    answers(h, "GET /tickets/50/time_accountings", .json = "[]");
    const json_t *list = entries(h, id, .ticket = "50");
    if (!list)
        fail_msg("%s", dw_harness_error(h)->text);
    assert_int_equal(json_array_size(list), 1);
    const json_t *e = json_array_get(list, 0);
    assert_string_equal(text_in(e, "id"), "6");
    assert_string_equal(text_in(e, "ticket"), "50");
    assert_string_equal(text_in(e, "ticket_number"), "22050");
    assert_string_equal(text_in(e, "ticket_title"), "Printer");
    assert_string_equal(text_in(e, "customer"), "7");
    assert_string_equal(text_in(e, "customer_name"), "Firm");
    assert_string_equal(text_in(e, "agent"), "3");
    assert_string_equal(text_in(e, "agent_email"), "ann@example.org");
    assert_string_equal(text_in(e, "agent_name"), "Ann Lee");
    assert_string_equal(text_in(e, "activity"), "");
    assert_string_equal(text_in(e, "amount"), "22.0");
    assert_string_equal(text_in(e, "unit"), "");
    assert_string_equal(text_in(e, "url"), DESK "/#ticket/zoom/50");
    assert_string_equal(text_in(e, "created"), "2026-11-20T08:11:49.315000Z");
    assert_string_equal(text_in(e, "changed"), "2026-11-20T08:11:49.000000Z");
    assert_string_equal(text_in(e, "merged_into"), "");
    assert_int_equal(dw_harness_close(h), 0);
}

static void amounts_are_passed_on_as_they_stand(void **state)
{
    static const char *const amounts[][2] = {
        { "\"0.1\"", "0.1" }, { "0.1", "0.1" },     { "22", "22" },
        { "-3.50", "-3.50" }, { "\"1,5\"", "1,5" }, { "null", "" },
        { "true", "" },       { "\"abc\"", "abc" }, { "0.30000000000000000001", "0.30000000000000000001" },
    };
    dw_harness *h = open_desk();
    const char *id = connect(h, TOKEN);
    char page[4000] = "[";
    (void)state;

    for (size_t i = 0; i < sizeof(amounts) / sizeof(*amounts); i++) {
        size_t n = strlen(page);
        snprintf(page + n, sizeof(page) - n,
                 "%s{\"id\":%zu,\"ticket_id\":50,\"created_at\":\"2026-11-20T08:11:49Z\",\"time_unit\":%s}",
                 i ? "," : "", i + 1, amounts[i][0]);
    }
    snprintf(page + strlen(page), sizeof(page) - strlen(page), "]");
    answers(h, "GET /tickets/50/time_accountings", .json = page);
    answers(h, "GET /tickets/50/time_accountings", .json = "[]");
    knows_its_tickets_and_people(h);
    const json_t *list = entries(h, id, .ticket = "50");
    if (!list)
        fail_msg("%s", dw_harness_error(h)->text);
    for (size_t i = 0; i < sizeof(amounts) / sizeof(*amounts); i++)
        assert_string_equal(text_in(json_array_get(list, i), "amount"), amounts[i][1]);
    assert_int_equal(dw_harness_close(h), 0);
}

static void numbers_alone_cost_no_look_at_tickets(void **state)
{
    dw_harness *h = open_desk();
    const char *id = connect(h, TOKEN);
    (void)state;

    answers(h, "GET /tickets/50/time_accountings", .json = "[" ROW(6, "\"22.0\"") "]");
    answers(h, "GET /tickets/50/time_accountings", .json = "[]");
    const json_t *list = entries(h, id, .ticket = "50", .ids_only = true);
    assert_int_equal(json_array_size(list), 1);
    assert_int_equal(requests(h), requests_to(h, "GET /tickets/50/time_accountings"));
    assert_int_equal(dw_harness_close(h), 0);
}

/* ---- whom it is for ---- */

static const json_t *entry_of(dw_harness *h, const char *ticket, const char *customer)
{
    const char *id = connect(h, TOKEN);

    answers(h, "GET /tickets/50/time_accountings", .json = "[" ROW(6, "\"1.0\"") "]");
    answers(h, "GET /tickets/50/time_accountings", .json = "[]");
    answers(h, "GET /ticket_states",
            .json = "[{\"id\":4,\"name\":\"zu\",\"state_type\":\"closed\"},"
                    "{\"id\":5,\"name\":\"verschmolzen\",\"state_type\":\"merged\"}]");
    answers(h, "GET /tickets/50", .json = ticket);
    answers(h, "GET /users/3", .json = ANN);
    if (customer)
        answers(h, "GET /users/9", .json = customer);
    else
        answers(h, "GET /users/9", .status = 404, .json = "{\"error\":\"Couldn't find User with 'id'=9\"}");
    const json_t *list = entries(h, id, .ticket = "50");
    if (!list)
        fail_msg("%s", dw_harness_error(h)->text);
    return json_array_get(list, 0);
}

#define LONELY                                                                                            \
    "{\"id\":50,\"number\":\"22050\",\"title\":\"P\",\"organization_id\":null,\"customer_id\":9,\"state_" \
    "id\":4}"

static void a_ticket_without_a_firm_is_for_its_customers_firm(void **state)
{
    dw_harness *h = open_desk();
    (void)state;

    const json_t *e = entry_of(
        h, LONELY, "{\"id\":9,\"firstname\":\"Bo\",\"organization_id\":8,\"organization\":\"Other\"}");
    assert_string_equal(text_in(e, "customer"), "8");
    assert_string_equal(text_in(e, "customer_name"), "Other");
    assert_int_equal(dw_harness_close(h), 0);
}

/* A person's number must not be taken for that of a firm. */
static void or_for_the_customer_alone(void **state)
{
    dw_harness *h = open_desk();
    (void)state;

    const json_t *e = entry_of(h, LONELY, "{\"id\":9,\"firstname\":\"Bo\",\"lastname\":\"Ek\"}");
    assert_string_equal(text_in(e, "customer"), "user-9");
    assert_string_equal(text_in(e, "customer_name"), "Bo Ek");
    assert_int_equal(dw_harness_close(h), 0);

    h = open_desk();
    e = entry_of(h, LONELY, NULL);
    assert_string_equal(text_in(e, "customer"), "user-9");
    assert_string_equal(text_in(e, "customer_name"), "");
    assert_int_equal(dw_harness_close(h), 0);
}

/* ---- merged tickets ---- */

#define MERGED                                                                                              \
    "{\"id\":50,\"number\":\"22050\",\"title\":\"P\",\"organization_id\":7,\"customer_id\":9,\"state_id\":" \
    "5}"

static void a_merged_ticket_says_where_it_went(void **state)
{
    dw_harness *h = open_desk();
    (void)state;

    answers(h, "GET /ticket_history/50",
            .json = "{\"history\":[{\"type\":\"created\"},{\"type\":\"merged_into\",\"id_to\":51,\"value_"
                    "to\":\"#22051\"}]}");
    assert_string_equal(text_in(entry_of(h, MERGED, NULL), "merged_into"), "51");
    assert_int_equal(dw_harness_close(h), 0);

    h = open_desk(); /* older: its history does not tell */
    answers(h, "GET /ticket_history/50", .json = "{\"history\":[]}");
    answers(h, "GET /links",
            .json =
                "{\"links\":[{\"link_type\":\"child\",\"link_object\":\"Ticket\",\"link_object_value\":1},"
                "{\"link_type\":\"parent\",\"link_object\":\"Ticket\",\"link_object_value\":51}]}");
    assert_string_equal(text_in(entry_of(h, MERGED, NULL), "merged_into"), "51");
    assert_int_equal(dw_harness_close(h), 0);

    h = open_desk(); /* nobody tells */
    answers(h, "GET /ticket_history/50", .status = 403, .json = "{\"error\":\"Not authorized\"}");
    answers(h, "GET /links",
            .json =
                "{\"links\":[{\"link_type\":\"parent\",\"link_object\":\"Ticket\",\"link_object_value\":1},"
                "{\"link_type\":\"parent\",\"link_object\":\"Ticket\",\"link_object_value\":51}]}");
    assert_string_equal(text_in(entry_of(h, MERGED, NULL), "merged_into"), "");
    assert_int_equal(dw_harness_close(h), 0);
}

/* ---- tickets that cannot be read ---- */

static void a_deleted_ticket_has_nothing_and_that_is_all(void **state)
{
    dw_harness *h = open_desk();
    const char *id = connect(h, TOKEN);
    const char *gone = "{\"error\":\"Couldn't find Ticket with 'id'=50\"}";
    (void)state;

    answers(h, "GET /tickets/50/time_accountings", .status = 404, .json = gone);
    answers(h, "GET /tickets/50", .status = 404, .json = gone);
    const json_t *list = entries(h, id, .ticket = "50");
    if (!list)
        fail_msg("%s", dw_harness_error(h)->text);
    assert_int_equal(json_array_size(list), 0);
    assert_int_equal(dw_harness_close(h), 0);
}

/* Each of these would delete timesheets if it were taken for a ticket that is gone. */
static void what_only_looks_like_a_deleted_ticket_is_an_error(void **state)
{
    static const struct {
        int status, status_of_ticket;
        const char *said, *ticket;
        const char *type;
        int code;
        const char *reason; /* NULL: none, so that no list is believed, and none is given up */
    } cases[] = {
        /* a version without these lists */
        { 404, 200, "{\"error\":\"No route matches [GET] /x\"}", FIRM_TICKET, "application/json",
          DW_EUPSTREAM, NULL },
        /* a proxy that knows nothing */
        { 404, 404, "<html>Not Found</html>", "<html>Not Found</html>", "text/html", DW_EUPSTREAM, NULL },
        /* another program behind the same proxy, or a gateway in front */
        { 404, 404, "{\"status\":404,\"error\":\"Not Found\"}", "{\"status\":404,\"error\":\"Not Found\"}",
          "application/json", DW_EUPSTREAM, NULL },
        { 404, 404, "{\"error\":\"No route matches [GET] /x\"}", "{\"error\":\"No route matches [GET] /y\"}",
          "application/json", DW_EUPSTREAM, NULL },
        /* it is there, but not for us */
        { 403, 200, "{\"error\":\"Not authorized\"}", FIRM_TICKET, "application/json", DW_EDENIED, "OTHER" },
        { 403, 200, "<html>blocked</html>", FIRM_TICKET, "text/html", DW_EDENIED, NULL },
        { 500, 200, "{\"error\":\"Error ID abcdef\"}", FIRM_TICKET, "application/json", DW_EUPSTREAM, NULL },
    };
    (void)state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        dw_harness *h = open_desk();
        const char *id = connect(h, TOKEN);
        answers(h, "GET /tickets/50/time_accountings", .status = cases[i].status,
                .body = { cases[i].said, strlen(cases[i].said) }, .content_type = cases[i].type);
        answers(h, "GET /tickets/50", .status = cases[i].status_of_ticket,
                .body = { cases[i].ticket, strlen(cases[i].ticket) }, .content_type = cases[i].type);
        assert_null(entries(h, id, .ticket = "50"));
        const dw_err *e = dw_harness_error(h);
        if (e->code != cases[i].code || strcmp(e->reason, cases[i].reason ? cases[i].reason : "") != 0)
            fail_msg("case %zu: %d %s: %s", i, e->code, e->reason, e->text);
        assert_int_equal(dw_harness_close(h), 0);
    }
}

static void a_ticket_without_a_number_is_none(void **state)
{
    dw_harness *h = open_desk();
    const char *id = connect(h, TOKEN);
    (void)state;

    assert_null(entries(h, id, .ticket = "1/../../users"));
    assert_int_equal(dw_harness_error(h)->code, DW_EINVALID);
    assert_int_equal(requests(h), 0);
    assert_int_equal(dw_harness_close(h), 0);
}

/* ---- refusals ---- */

static const char GOOD_PAGE[] = "[" ROW(6, "\"22.0\"") "]";

struct refusal {
    int status;
    const char *headers, *type, *body;
    int code;
    const char *says, *reason;
};

static const struct refusal refusals[] = {
    { 401, "X-Failure: Not authorized (token expired)!\r\n", "application/json",
      "{\"error\":\"Not authorized (token expired)!\"}", DW_EAUTH, "has expired", "AUTH_EXPIRED" },
    { 401, NULL, "application/json", "{\"error\":\"Can't find User for Token\"}", DW_EAUTH,
      "does not know this access token", "AUTH_EXPIRED" },
    { 401, NULL, "application/json", "{\"error\":\"Invalid BasicAuth credentials\"}", DW_EAUTH,
      "second factor", "AUTH_EXPIRED" },
    { 401, NULL, "application/json", "{\"error\":\"Nothing we know\"}", DW_EAUTH, "refuses the credentials",
      "AUTH_EXPIRED" },
    { 401, NULL, "application/json", "", DW_EAUTH, "not in Zammad's words", "AUTH_EXPIRED" },
    { 401, "X-Failure: Sch\xC3\xB6n\r\n", "text/html", "<html>", DW_EAUTH, "is base_url the address",
      "AUTH_EXPIRED" },
    { 403, NULL, "application/json", "{\"error\":\"Authentication required\"}", DW_EAUTH,
      "saw no credentials", "" },
    { 403, NULL, "application/json", "{\"error\":\"API token access disabled!\"}", DW_EAUTH,
      "takes no access tokens", "" },
    { 403, NULL, "application/json", "{\"error\":\"API password access disabled!\"}", DW_EAUTH,
      "takes no passwords", "" },
    { 403, NULL, "application/json", "{\"error\":\"Maintenance mode enabled!\"}", DW_EUNAVAILABLE,
      "maintenance", "" },
    { 403, NULL, "application/json", "{\"error\":\"No such user 'x'\"}", DW_EAUTH, "on_behalf", "" },
    { 301, "Location: https://other.example/\r\n", "text/html", "", DW_EUPSTREAM, "https://other.example/",
      "" },
    { 200, NULL, "text/html", "<!DOCTYPE html><title>Sign in</title>", DW_EUPSTREAM, "a page for people",
      "" },
    { 200, NULL, "application/json", "[{\"id\":6,", DW_EUPSTREAM, "cut off", "" },
    { 200, NULL, "application/json", "{\"hello\":\"world\"}", DW_EUPSTREAM, "no list of Zammad's", "" },
    { 200, NULL, "application/json", "[{\"name\":\"no ids\"}]", DW_EUPSTREAM, "lacks its id", "" },
    { 200, NULL, "application/json", "{\"record_ids\":[6],\"assets\":{}}", DW_EUPSTREAM,
      "no list of Zammad's", "" },
    { 422, NULL, "application/json", "{\"error\":\"odd\",\"error_human\":\"very odd\"}", DW_EUPSTREAM,
      "very odd", "" },
    { 500, NULL, "application/json", "{\"error\":\"Error ID AbCdEf: Please contact your administrator.\"}",
      DW_EUPSTREAM, "Error ID AbCdEf", "" },
    { 429, "Retry-After: 7200\r\n", "text/html", "<html>nginx</html>", DW_ERATE, "asks for a pause",
      "RATE_LIMITED" },
    { 502, NULL, "text/html", "<html>nginx</html>", DW_EUPSTREAM, "502", "" },
};

static void each_refusal_says_what_to_do(void **state)
{
    (void)state;

    for (size_t i = 0; i < sizeof(refusals) / sizeof(*refusals); i++) {
        const struct refusal *r = &refusals[i];
        dw_harness *h = open_desk();
        const char *id = connect(h, TOKEN ",\"strategy\":\"global\"");
        answers(h, "GET /time_accountings", .status = r->status, .headers = r->headers,
                .content_type = r->type, .body = { r->body, strlen(r->body) });
        assert_null(entries(h, id, .changed_since = { 1 }));
        const dw_err *e = dw_harness_error(h);
        if (e->code != r->code || !strstr(e->text, r->says) || strcmp(e->reason, r->reason) != 0)
            fail_msg("%d %s: %d %s: %s", r->status, r->body, e->code, e->reason, e->text);
        assert_int_equal(dw_harness_close(h), 0);
    }
}

/* Whatever breaks off on the way, what was read is never all. */
static void a_list_that_breaks_off_is_not_complete(void **state)
{
    dw_harness *h = open_desk();
    const char *id = connect(h, TOKEN ",\"strategy\":\"global\"");
    (void)state;

    knows_its_tickets_and_people(h);
    answers(h, "GET /time_accountings", .json = "{\"record_ids\":[6],\"assets\":{},\"total_count\":2}");
    answers(h, "GET /time_accountings", .json = GOOD_PAGE);
    answers(h, "GET /time_accountings", .status = 200, .fails = DW_EUNKNOWN);
    assert_null(entries(h, id, .ticket = NULL));
    assert_true(dw_harness_error(h)->code < 0);
    assert_int_equal(dw_harness_close(h), 0);
}

/* ---- what can be pointed at ---- */

/* Was that searched for? The page behind the first one may be asked for a little later. */
static bool was_searched(dw_harness *h, const char *what)
{
    for (unsigned i = 0; i < requests(h); i++) {
        const char *url = dw_harness_sent_to_peers(h, i)->url;
        if (strstr(url, "/users/search") && strstr(url, what))
            return true;
    }
    return false;
}

static void a_thing_is_asked_for_by_what_is_known_of_it(void **state)
{
    dw_harness *h = open_desk();
    const char *id = connect(h, TOKEN);
    const char *two = "[" ANN ",{\"id\":4,\"login\":\"bo\",\"email\":\"bo@example.org\",\"active\":false}]";
    (void)state;

    answers(h, "GET /users/3", .json = ANN);
    answers(h, "GET /users/4", .status = 404, .json = "{\"error\":\"Couldn't find User with 'id'=4\"}");
    answers(h, "GET /users/search", .json = two);
    answers(h, "GET /users/search", .json = "[]");
    for (int i = 0; i < 3; i++) {
        answers(h, "GET /users", .json = two);
        answers(h, "GET /users", .json = "[]"); /* two pages at once, as it goes on */
        answers(h, "GET /users", .json = "[]");
    }

    const json_t *list = things(h, id, "user", .id = "3");
    assert_int_equal(json_array_size(list), 1);
    assert_string_equal(text_in(json_array_get(list, 0), "name"), "Ann Lee");
    assert_string_equal(text_in(json_array_get(list, 0), "number"), "ann@example.org");
    assert_int_equal(json_array_size(things(h, id, "user", .id = "4")), 0);
    assert_int_equal(json_array_size(things(h, id, "user", .id = "nobody")), 0);
    assert_int_equal(requests(h), 2);

    assert_int_equal(json_array_size(things(h, id, "user", .email = "ann@example.org")), 1);
    assert_string_equal(dw_harness_sent_to_peers(h, 2)->url,
                        API "/users/search?expand=true&query=ann%40example.org&page=1&per_page=500");
    assert_int_equal(json_array_size(things(h, id, "user", .email = "an-n@example.org")),
                     0); /* an operator: all */
    assert_int_equal(json_array_size(things(h, id, "user", .name = "bo", .inactive = true)), 1);
    assert_int_equal(json_array_size(things(h, id, "user", .name = "bo")), 0);
    assert_true(was_searched(h, "ann%40"));
    assert_false(was_searched(h, "an-n") || was_searched(h, "query=bo"));
    assert_int_equal(dw_harness_close(h), 0);
}

/* The shapes of old versions. */
static void numbers_beside_their_assets_are_a_list_too(void **state)
{
    dw_harness *h = open_desk();
    const char *id = connect(h, TOKEN);
    (void)state;

    answers(h, "GET /ticket_states", .status = 403, .json = "{\"error\":\"Not authorized\"}");
    answers(h, "GET /tickets/search",
            .json = "{\"tickets\":[50],\"tickets_count\":1,\"assets\":{\"Ticket\":{\"50\":" FIRM_TICKET
                    "},\"User\":{}}}");
    answers(h, "GET /tickets/search", .json = "{\"tickets\":[],\"assets\":{}}");
    const json_t *list = things(h, id, "ticket", .number = "22050", .inactive = true);
    assert_int_equal(json_array_size(list), 1);
    assert_string_equal(text_in(json_array_get(list, 0), "number"), "22050");
    assert_string_equal(text_in(json_array_get(list, 0), "parent"), "7");
    assert_int_equal(dw_harness_close(h), 0);
}

/* Some versions know no pages, and give each time all. */
static void a_list_without_pages_ends(void **state)
{
    dw_harness *h = open_desk();
    const char *id = connect(h, TOKEN);
    (void)state;

    answers(h, "GET /groups",
            .json = "[{\"id\":1,\"name\":\"Users\"},{\"id\":2,\"name\":\"Users::Second\"}]");
    assert_int_equal(json_array_size(things(h, id, "group", .term = NULL)), 2);
    assert_true(requests(h) <= 4);
    assert_int_equal(dw_harness_close(h), 0);
}

/* ---- webhooks ---- */

static void a_webhook_tells_which_ticket(void **state)
{
    static const char *const bodies[][2] = {
        { "{\"ticket\":{\"id\":12,\"time_unit\":\"2.75\"},\"article\":{\"accounted_time\":2}}", "12" },
        { "{\"ticket_id\":\"12\"}", "12" },
        { "{\"text\":\"#{ticket.id}\"}", "" },
        { "", "" },
        { "<xml>", "" },
    };
    (void)state;

    for (size_t i = 0; i < sizeof(bodies) / sizeof(*bodies); i++) {
        dw_harness *h = open_desk();
        const char *id = connect(h, TOKEN), *ticket = NULL, *connection = NULL;
        if (dw_harness_receive(h, .inbox = "tickets", .body = bodies[i][0], .source = id) != 0)
            fail_msg("%s", dw_harness_why(h));
        assert_true(dw_harness_run_jobs(h) >= 1);
        assert_int_equal(dw_harness_events(h, "core.connection.changed"), 1);
        assert_int_equal(dw_harness_find(h, DW_TO(&connection, &ticket),
                                         "SELECT data ->> 'connection', data ->> 'ticket' FROM dowel_events"
                                         " WHERE name = 'core.connection.changed'"),
                         1);
        assert_string_equal(connection, id);
        assert_string_equal(ticket ? ticket : "", bodies[i][1]);
        assert_int_equal(requests(h), 0);
        assert_int_equal(dw_harness_close(h), 0);
    }
}

/* ---- check ---- */

static const json_t *check(dw_harness *h, const char *settings)
{
    char text[600];

    snprintf(text, sizeof(text), "{%s}", settings);
    const json_t *said = dw_harness_check_connection(h, "zammad", text);
    if (!said)
        fail_msg("%s", dw_harness_why(h));
    return said;
}

static void says_at(const json_t *said, const char *setting, const char *part)
{
    const json_t *error;
    char pointer[100];
    size_t i;

    snprintf(pointer, sizeof(pointer), "#/settings%s", setting);
    json_array_foreach(json_object_get(said, "errors"), i,
                       error) if (strcmp(text_in(error, "pointer"), pointer) == 0 &&
                                  strstr(text_in(error, "detail"), part)) return;
    fail_msg("no error at %s about %s: %s", pointer, part, json_dumps(said, 0));
}

static const char *state_of(const json_t *said, const char *name)
{
    const json_t *line;
    size_t i;

    json_array_foreach(json_object_get(said, "checks"), i,
                       line) if (strcmp(text_in(line, "name"), name) == 0) return text_in(line, "state");
    return "";
}

static void one_form_of_credentials_is_wanted(void **state)
{
    dw_harness *h = open_desk();
    (void)state;

    says_at(check(h, "\"base_url\":\"" DESK "\""), "/token", "is missing");
    says_at(check(h, TOKEN ",\"bearer\":\"x\""), "/token", "several credentials");
    says_at(check(h, "\"base_url\":\"" DESK "\",\"user\":\"ann\""), "/password", "is missing");
    says_at(check(h, "\"base_url\":\"" DESK "\",\"password\":\"x\""), "/user", "is missing");
    assert_int_equal(requests(h), 0);
    assert_int_equal(dw_harness_close(h), 0);
}

static void is_well(dw_harness *h)
{
    answers(h, "GET /users/me", .json = ANN, .headers = "Date: Fri, 27 Nov 2026 18:22:30 GMT\r\n");
    answers(h, "GET /version", .json = "{\"version\":\"6.5.0-1\"}");
    answers(h, "GET /time_accountings", .json = "[]");
    answers(h, "GET /tickets", .json = "[" FIRM_TICKET "]");
    answers(h, "GET /time_accounting/types", .json = "[{\"id\":1,\"name\":\"On site\"}]");
    answers(h, "GET /settings",
            .json = "[{\"name\":\"time_accounting\",\"state_current\":{\"value\":true}}]");
}

static void a_good_connection_is_shown_as_such(void **state)
{
    dw_harness *h = open_desk();
    (void)state;

    is_well(h);
    const json_t *said = check(h, TOKEN);
    assert_int_equal(json_integer_value(json_object_get(said, "code")), 0);
    assert_int_equal(json_array_size(json_object_get(said, "errors")), 0);
    assert_string_equal(state_of(said, "user"), "good");
    assert_string_equal(state_of(said, "version"), "good");
    assert_string_equal(state_of(said, "list"), "good");
    assert_string_equal(state_of(said, "tickets"), "good");
    assert_string_equal(state_of(said, "activities"), "good");
    assert_string_equal(state_of(said, "clock"), "");
    assert_string_equal(state_of(said, "accounting"), "");
    assert_int_equal(dw_harness_close(h), 0);
}

static void what_will_be_missed_is_a_warning(void **state)
{
    dw_harness *h = open_desk();
    (void)state;

    answers(h, "GET /users/me", .json = ANN, .headers = "Date: Sat, 28 Nov 2026 18:22:30 GMT\r\n");
    answers(h, "GET /version", .status = 403, .json = "{\"error\":\"Not authorized\"}");
    answers(h, "GET /time_accountings", .status = 403, .json = "{\"error\":\"Not authorized\"}");
    answers(h, "GET /tickets", .json = "[" FIRM_TICKET "]");
    answers(h, "GET /tickets/50/time_accountings", .json = "[]");
    answers(h, "GET /time_accounting/types", .status = 403, .json = "{\"error\":\"Not authorized\"}");
    answers(h, "GET /settings",
            .json = "[{\"name\":\"time_accounting\",\"state_current\":{\"value\":false}}]");
    const json_t *said = check(h, TOKEN);
    assert_int_equal(json_integer_value(json_object_get(said, "code")), 0);
    assert_string_equal(state_of(said, "clock"), "warning");
    assert_string_equal(state_of(said, "version"), "");
    assert_string_equal(state_of(said, "list"), "warning");
    assert_string_equal(state_of(said, "tickets"), "good");
    assert_string_equal(state_of(said, "activities"), "warning");
    assert_string_equal(state_of(said, "accounting"), "warning");
    assert_int_equal(dw_harness_close(h), 0);
}

static void what_cannot_work_is_told_at_the_setting(void **state)
{
    static const struct {
        const char *what;
        int status;
        const char *body, *type, *settings, *pointer, *says;
    } cases[] = {
        { "GET /users/me", 401, "{\"error\":\"Can't find User for Token\"}", "application/json", TOKEN,
          "/token", "does not know" },
        { "GET /users/me", 200, "<html></html>", "text/html", TOKEN, "/base_url", "a page for people" },
        { "GET /users/me", 200, "{\"message\":\"pong\"}", "application/json", TOKEN, "/base_url",
          "is not Zammad" },
        { "GET /users/me", 404, "<html></html>", "text/html", TOKEN, "/base_url", "is base_url right" },
        { "GET /users/me", 403, "{\"error\":\"No such user 'bob'\"}", "application/json",
          TOKEN ",\"on_behalf\":\"bob\"", "/on_behalf", "does not know the user" },
        { "GET /time_accountings", 403, "{\"error\":\"Not authorized\"}", "application/json",
          TOKEN ",\"strategy\":\"global\"", "/token", "admin.time_accounting" },
        { "GET /time_accountings", 403, "<html>blocked</html>", "text/html", TOKEN, "/base_url",
          "in front of Zammad" },
        { "GET /tickets", 403, "<html>blocked</html>", "text/html", TOKEN, "/base_url",
          "in front of Zammad" },
        { "GET /tickets/50/time_accountings", 403, "<html>blocked</html>", "text/html",
          TOKEN ",\"strategy\":\"tickets\"", "/base_url", "in front of Zammad" },
        { "GET /time_accounting/types", 403, "<html>blocked</html>", "text/html", TOKEN, "/base_url",
          "in front of Zammad" },
        { "GET /time_accountings", 404, "{\"error\":\"No route matches\"}", "application/json",
          TOKEN ",\"strategy\":\"global\"", "/strategy", "6.3" },
        { "GET /tickets", 403, "{\"error\":\"Not authorized\"}", "application/json",
          TOKEN ",\"strategy\":\"tickets\"", "/token", "ticket.agent" },
        { "GET /tickets/50/time_accountings", 403, "{\"error\":\"Not authorized\"}", "application/json",
          TOKEN ",\"strategy\":\"tickets\"", "/token", "right to change" },
        { "GET /tickets/50/time_accountings", 404, "{\"error\":\"No route matches\"}", "application/json",
          TOKEN ",\"strategy\":\"tickets\"", "/base_url", "6.1" },
    };
    (void)state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        dw_harness *h = open_desk();
        answers(h, cases[i].what, .status = cases[i].status, .content_type = cases[i].type,
                .body = { cases[i].body, strlen(cases[i].body) });
        is_well(h);
        says_at(check(h, cases[i].settings), cases[i].pointer, cases[i].says);
        assert_int_equal(dw_harness_close(h), 0);
    }
}

/* ---- torture ---- */

static const char *tortured, *by_ticket;

static void play(dw_harness *h, void *ud)
{
    (void)ud;
    entries(h, tortured, .ticket = "50");
    entries(h, tortured, .changed_since = { 1 });
    entries(h, tortured, .ids_only = true);
    entries(h, by_ticket, .changed_since = { 1 });
    things(h, tortured, "activity", .term = NULL);
    dw_harness_check_connection(h, "zammad", "{" TOKEN "}");
}

static void survives_whatever_fails(void **state)
{
    dw_harness *h = open_desk();
    (void)state;

    tortured = connect(h, TOKEN);
    by_ticket = connect(h, TOKEN ",\"strategy\":\"tickets\"");
    knows_its_tickets_and_people(h);
    answers(h, "GET /tickets/50/time_accountings", .json = GOOD_PAGE);
    answers(h, "GET /time_accountings", .json = GOOD_PAGE);
    answers(h, "GET /tickets", .json = "[" FIRM_TICKET "]");
    answers(h, "POST /tickets/search", .json = "[" FIRM_TICKET "]");
    answers(h, "GET /time_accounting/types", .json = "[]");
    answers(h, "GET /users/me", .json = ANN);
    assert_true(dw_harness_torture(h, play, NULL) > 20);
    assert_int_equal(dw_harness_close(h), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_form_of_credentials_has_its_field),
        cmocka_unit_test(an_entry_has_all_that_is_known),
        cmocka_unit_test(amounts_are_passed_on_as_they_stand),
        cmocka_unit_test(numbers_alone_cost_no_look_at_tickets),
        cmocka_unit_test(a_ticket_without_a_firm_is_for_its_customers_firm),
        cmocka_unit_test(or_for_the_customer_alone),
        cmocka_unit_test(a_merged_ticket_says_where_it_went),
        cmocka_unit_test(a_deleted_ticket_has_nothing_and_that_is_all),
        cmocka_unit_test(what_only_looks_like_a_deleted_ticket_is_an_error),
        cmocka_unit_test(a_ticket_without_a_number_is_none),
        cmocka_unit_test(each_refusal_says_what_to_do),
        cmocka_unit_test(a_list_that_breaks_off_is_not_complete),
        cmocka_unit_test(a_thing_is_asked_for_by_what_is_known_of_it),
        cmocka_unit_test(numbers_beside_their_assets_are_a_list_too),
        cmocka_unit_test(a_list_without_pages_ends),
        cmocka_unit_test(a_webhook_tells_which_ticket),
        cmocka_unit_test(one_form_of_credentials_is_wanted),
        cmocka_unit_test(a_good_connection_is_shown_as_such),
        cmocka_unit_test(what_will_be_missed_is_a_warning),
        cmocka_unit_test(what_cannot_work_is_told_at_the_setting),
        cmocka_unit_test(survives_whatever_fails),
    };

    return cmocka_run_group_tests_name("zammad", tests, NULL, NULL);
}
