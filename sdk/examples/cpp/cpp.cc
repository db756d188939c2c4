// cpp - a plugin in C++20: the same headers, and one rule more: no exception may leave a callback.
#include <dowel/dowel.h>

#include <exception>
#include <map>
#include <new>
#include <sstream>
#include <string>

namespace
{

using handler = int (*)(dw_call *, dw_request *);

// The host is C: what is thrown ends here, as an error that it understands.
template <handler handle> int guarded(dw_call *c, dw_request *req) noexcept
{
    try {
        return handle(c, req);
    } catch (const std::bad_alloc &) {
        return DW_ENOMEM;
    } catch (const std::exception &e) {
        return dw_fail(c, DW_EINTERNAL, e.what());
    } catch (...) {
        return DW_EINTERNAL;
    }
}

int count_words(dw_call *c, dw_request *req)
{
    const char *text = nullptr;
    (void)c;

    DW_TRY(dw_request_read(req, "text", &text));
    std::map<std::string, int> counts;
    std::istringstream words(text);
    for (std::string word; words >> word;)
        ++counts[word];

    dw_out *o = dw_reply_open(req, 200);
    for (const auto &[word, n] : counts)
        dw_out_set(o, word.c_str(), n); // written at once: nothing keeps what the map owns
    return dw_reply_close(req);
}

const dw_operation operations[] = { { "countWords", guarded<count_words> }, {} };

} // namespace

// In C++ the names stand in the order of the struct.
DOWEL_PLUGIN(.name = "cpp", .version = "1.0.0", .summary = "Counts words, in C++", .license = "MIT",
             .operations = operations);
