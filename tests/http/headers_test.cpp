// tandem - tests of http::headers
// SPDX-License-Identifier: BSL-1.0
#include <tandem/http/headers.hpp>

#include "catch.hpp"

namespace http = tandem::http;

TEST_CASE("headers: found in any case, kept in order", "[http][headers]") {
    http::headers h;
    h.add("Content-Type", "text/plain").add("Set-Cookie", "a=1").add("set-cookie", "b=2");
    CHECK(h.size() == 3);
    CHECK(h.get("CONTENT-TYPE") == "text/plain");
    CHECK(h.get("Set-Cookie") == "a=1");
    const std::vector<std::string_view> both{"a=1", "b=2"};
    CHECK(h.get_all("SET-COOKIE") == both);
    CHECK_FALSE(h.get("missing").has_value());
    std::string names;
    for (const http::header_view field : h) names += std::string(field.name()) + ";";
    CHECK(names == "Content-Type;Set-Cookie;set-cookie;");
}

TEST_CASE("headers: set replaces all, erase removes all, also by a view into itself", "[http][headers]") {
    http::headers h;
    h.add("A", "1").add("B", "2").add("a", "3");
    h.set("B", *h.get("A"));
    CHECK(h.get("B") == "1");
    h.set("A", "4");
    CHECK(h.size() == 2);
    CHECK(h.get("a") == "4");
    CHECK(h.erase("A") == 1);
    CHECK(h.erase("A") == 0);
    CHECK(h.size() == 1);
    h.clear();
    CHECK(h.empty());
}

TEST_CASE("headers: blanks around a value are no part of it", "[http][headers]") {
    http::headers h;
    h.add("A", " \t1 2\t ");
    CHECK(h.get("a") == "1 2");
}

TEST_CASE("headers: nothing that could end a line is taken", "[http][headers][injection]") {
    http::headers h;
    const std::string_view bad_values[] = {"a\r\nb", "a\nb", "a\rb", std::string_view("a\0b", 3),
                                           "\x7f",   "\x01"};
    for (const std::string_view value : bad_values) {
        CHECK_THROWS_AS(h.add("A", value), http::error);
        CHECK_THROWS_AS(h.set("A", value), http::error);
    }
    for (const std::string_view name : {"", "a b", "a:", "a\r\nb", "a\n", "\xc3\xa9", "a(b)", " a", "a\t"}) {
        CHECK_THROWS_AS(h.add(name, "x"), http::error);
    }
    CHECK(h.empty());
    try {
        h.add("X-Key", "a\r\nEvil: 1");
    } catch (const http::error& e) {
        CHECK(e.code() == http::errc::invalid_request);
        CHECK(std::string(e.what()) ==
              "tandem::http: invalid request: the value of header \"X-Key\" has a control character; "
              "encode it, or leave out line ends");
    }
    h.add("A", "tab\tand \xc3\xa9 are fine");
    CHECK(h.size() == 1);
}

TEST_CASE("headers: add takes a view into itself, also when it has to grow", "[http][headers]") {
    http::headers fields;
    const std::string value(30, 'v');
    const std::string name(200, 'n');  // it is the name for which there is no room
    fields.add("X-One", value);
    for (int i = 0; i < 8; ++i) fields.add(name, *fields.get("X-One"));
    CHECK(fields.get_all(name) == std::vector<std::string_view>(8, value));
}
