/* fetcher - asks a peer by HTTP, in the four ways that there are. */
#include <dowel/dowel.h>

struct fetcher_conf {
    const char *url;
    dw_secret key;
};

static const dw_item items[] = {
    DW_ITEM(struct fetcher_conf, url, .pattern = "url",
            .help = "The weather service: https://weather.example/v1"),
    DW_ITEM(struct fetcher_conf, key, .fallback = "", .help = "What it knows us by; empty: it wants none"),
    { 0 },
};

/* What the peer says is not our client's input: his 422 would be wrong, this is a 502. */
static int fail_peer(dw_call *c)
{
    return dw_fail(c, DW_EUPSTREAM, "the weather service answered something else than the weather");
}

/* ---- waiting for the answer: the worker waits too, so for what comes soon ---- */

static int get_weather(dw_call *c, dw_request *req)
{
    const struct fetcher_conf *conf = dw_conf(c);
    const char *city;
    dw_answer *answer;
    json_t *json;
    double celsius;

    DW_TRY(dw_request_read(req, "city", &city));
    DW_TRY(dw_fetch(c, &answer, .url = dw_format(c, "%s/now", conf->url), .query = DW_LIST("city", city),
                    .bearer = conf->key, .timeout = DW_SECONDS(5)));
    DW_TRY(dw_answer_json(answer, &json));
    if (dw_json_read(c, json, "celsius!", &celsius) < 0)
        return fail_peer(c);
    return dw_reply(req, 200, "city", city, "celsius", celsius);
}

/* ---- several at once: together they take as long as the slowest of them ---- */

enum { CITIES_MAX = 8 }; /* as api.yaml says */

static int read_celsius(dw_call *c, dw_fetching *f, double *celsius)
{
    dw_answer *answer;
    json_t *json;

    DW_TRY(dw_fetch_wait(f, &answer));
    DW_TRY(dw_answer_json(answer, &json));
    return dw_json_read(c, json, "celsius!", celsius) < 0 ? fail_peer(c) : 0;
}

static int compare_weather(dw_call *c, dw_request *req)
{
    const struct fetcher_conf *conf = dw_conf(c);
    dw_fetching *asked[CITIES_MAX];
    const char *warmest = "";
    double most = 0, celsius = 0;
    json_t *cities;

    DW_TRY(dw_request_read(req, "city", &cities));
    size_t n = json_array_size(cities) < CITIES_MAX ? json_array_size(cities) : CITIES_MAX;
    for (size_t i = 0; i < n; i++)
        DW_TRY(dw_fetch_start(c, &asked[i], .url = dw_format(c, "%s/now", conf->url),
                              .query = DW_LIST("city", json_array_get(cities, i)), .bearer = conf->key));
    for (size_t i = 0; i < n; i++) { /* whoever returns early cuts the others */
        DW_TRY(read_celsius(c, asked[i], &celsius));
        if (i == 0 || celsius > most) {
            most = celsius;
            warmest = json_string_value(json_array_get(cities, i));
        }
    }
    return dw_reply(req, 200, "warmest", warmest, "celsius", most);
}

/* ---- two halves: nobody waits in between ---- */

static int show_forecast(dw_call *c, dw_request *req, dw_answer *answer)
{
    json_t *json, *days = NULL;

    DW_TRY(dw_answer_json(answer, &json));
    if (dw_json_read(c, json, "days!", &days) < 0)
        return fail_peer(c);
    return dw_reply(req, 200, "days", days);
}

static int get_forecast(dw_call *c, dw_request *req)
{
    const struct fetcher_conf *conf = dw_conf(c);
    const char *city;

    DW_TRY(dw_request_read(req, "city", &city));
    return dw_fetch_then(c, req, show_forecast, .url = dw_format(c, "%s/forecasts", conf->url),
                         .json = dw_json(c, "city", city, "days", 3), .bearer = conf->key,
                         .timeout = DW_MINUTES(1));
}

/* ---- line by line: it is never in memory as a whole ---- */

static int list_warnings(dw_call *c, dw_request *req)
{
    const struct fetcher_conf *conf = dw_conf(c);
    dw_upstream *up;
    dw_stream *out;
    dw_str line;
    int more;

    DW_TRY(dw_upstream_open(c, &up, .url = dw_format(c, "%s/warnings", conf->url), .bearer = conf->key));
    DW_TRY(dw_stream_open(req, &out, 200, "text/plain"));
    while ((more = dw_upstream_line(up, &line)) > 0) {
        DW_TRY(dw_stream_write(out, line.p, line.n));
        DW_TRY(dw_stream_write(out, "\n", 1));
    }
    DW_TRY(more); /* the peer broke off, so our client must not think that this was all */
    return dw_stream_finish(out);
}

static const dw_operation operations[] = {
    { "getWeather", get_weather },
    { "compareWeather", compare_weather },
    { "getForecast", get_forecast },
    { "listWarnings", list_warnings },
    { 0 },
};

DOWEL_PLUGIN(.name = "fetcher", .version = "1.0.0", .summary = "Asks a weather service", .license = "MIT",
             .conf = DW_ITEMS(struct fetcher_conf, items), .operations = operations);
