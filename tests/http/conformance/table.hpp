// tandem - a table of exchanges: what a server does, what is asked of it, what must become of it
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "http/mock_test.hpp"

namespace tandem_test {

namespace http = tandem::http;
using tandem::testing::reply;

/// One behaviour. `serve` sets up the server, `options` the client, `ask` makes the calls and says what came.
class row {
public:
    using serve_fn = void (*)(http::mock_transport&);
    using ask_fn = tandem::task<std::string> (*)(http::client&);
    using options_fn = void (*)(http::client_options&);

    row(std::string text, serve_fn server, ask_fn call, std::string result, options_fn set = nullptr)
        : claim(std::move(text)), serve(server), ask(call), expected(std::move(result)), options(set) {}

    std::string claim;
    serve_fn serve;
    ask_fn ask;
    std::string expected;
    options_fn options;
};

/// What a call came to: "200 text", or the words of its error.
inline tandem::task<std::string> outcome_of(http::request_builder call) {
    std::string out;
    try {
        const http::response r = co_await std::move(call);
        out = std::to_string(r.status()) + (r.text().empty() ? "" : " " + r.text());
        for (const auto& hop : r.history()) out += " <" + std::to_string(hop.status());
    } catch (const http::error& e) {
        out = http::to_string(e.code());
    }
    co_return out;
}

/// "GET http://host/path" from the table's server, or with another method.
inline tandem::task<std::string> get(http::client& c, std::string url = "http://host/") {
    return outcome_of(c.get(std::move(url)));
}

/// The requests as the server saw them: method, host where it is not "host", target, body, and what is
/// secret.
inline std::string seen(const http::mock_transport& net) {
    std::string out;
    for (const auto& r : net.log()) {
        out += out.empty() ? "" : ", ";
        out += r.method + " " + (r.header("Host") == "host" ? "" : r.header("Host")) + r.target;
        if (!r.body.empty()) out += " " + r.body;
        for (const char* const name : {"Authorization", "Cookie", "X-Key", "Content-Type"}) {
            if (r.headers.contains(name)) out += " " + std::string(1, name[0]) + "=" + r.header(name);
        }
    }
    return out;
}

inline tandem::task<std::string> run_row(const row& r, std::size_t pieces) {
    http::mock_transport net;
    net.pieces(pieces);
    r.serve(net);
    http::client_options options = over(net);
    if (r.options) r.options(options);
    http::client client(options);
    std::string out = co_await r.ask(client);
    out += " | " + seen(net) + " | " + std::to_string(net.connections()) + " made, " +
           std::to_string(client.statistics().idle) + " kept";
    if (client.statistics().active != 0) out += ", A SLOT LEAKS";
    if (client.statistics().idle != net.open_connections()) out += ", A CONNECTION LEAKS";
    co_return out;
}

/// Whether a connection is kept may depend on how much had come when the call ended: "? kept" leaves it open.
inline bool same(std::string got, const std::string& expected) {
    const std::size_t last = got.rfind(" kept");
    if (expected.ends_with("? kept"))
        got.replace(got.rfind(' ', last - 1) + 1, last - got.rfind(' ', last - 1) - 1, "?");
    return got == expected;
}

/// Runs each row with the answers in one piece, byte by byte, and in pieces of other sizes.
inline void check_rows(const std::vector<row>& rows) {
    for (const row& r : rows) {
        DYNAMIC_SECTION(r.claim) {
            for (const std::size_t pieces :
                 {http::mock_transport::all, std::size_t{1}, std::size_t{2}, std::size_t{3}, std::size_t{7},
                  std::size_t{16}, std::size_t{61}}) {
                const auto frames = tandem::detail::live_frames;
                const std::string got =
                    tandem::testing::run_virtual(run_row(r, pieces), options_from_environment());
                INFO("pieces of " << pieces << " bytes: " << got << "; not: " << r.expected);
                CHECK(same(got, r.expected));
                CHECK(tandem::detail::live_frames == frames);
            }
        }
    }
}

}  // namespace tandem_test
