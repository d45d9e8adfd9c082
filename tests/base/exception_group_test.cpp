// tandem - behaviour of exception_group
// SPDX-License-Identifier: BSL-1.0
#include <tandem/base/exception_group.hpp>

#include <stdexcept>
#include <string>
#include <vector>

#include "support/catch.hpp"

namespace {

using tandem::exception_group;
using exceptions = std::vector<std::exception_ptr>;

template <class E>
std::exception_ptr make(const char* text) {
    return std::make_exception_ptr(E(text));
}
std::string text_of(const std::exception_ptr& e) { return tandem::detail::message_of(e); }

/// ( runtime r1, ( logic l1, ( runtime r2 ) ), logic l2 )
exception_group nested() {
    const exceptions innermost({make<std::runtime_error>("r2")});
    const exceptions inner({make<std::logic_error>("l1"), std::make_exception_ptr(exception_group(innermost))});
    return exception_group(exceptions({make<std::runtime_error>("r1"), std::make_exception_ptr(exception_group(inner)),
                                       make<std::logic_error>("l2")}));
}
std::string flat(const exception_group& group) {
    std::string texts;
    for (const std::exception_ptr& e : group.flatten()) texts += text_of(e) + " ";
    return texts;
}

}  // namespace

TEST_CASE("exception_group: what() counts the members and quotes the first", "[base][exception_group]") {
    const exception_group one(exceptions({make<std::runtime_error>("first")}));
    CHECK(std::string(one.what()) == "tandem::exception_group: 1 exception, the first: first");
    const exception_group two(exceptions({make<std::runtime_error>("a"), make<std::runtime_error>("b")}));
    CHECK(std::string(two.what()) == "tandem::exception_group: 2 exceptions, the first: a");
    const exception_group unknown(exceptions({std::make_exception_ptr(5)}));
    CHECK(std::string(unknown.what()).find("not a std::exception") != std::string::npos);
    const exception_group none{exceptions()};
    CHECK(std::string(none.what()).find("0 exceptions") != std::string::npos);
}

TEST_CASE("exception_group: is a tandem::error and a std::exception", "[base][exception_group]") {
    CHECK_THROWS_AS(throw nested(), tandem::error);
    CHECK_THROWS_AS(throw nested(), std::exception);
}

TEST_CASE("exception_group: size counts direct members, flatten gives the leaves depth first", "[base][exception_group]") {
    const exception_group group = nested();
    CHECK(group.size() == 3);
    CHECK(group.exceptions().size() == 3);
    CHECK(flat(group) == "r1 l1 r2 l2 ");
}

TEST_CASE("exception_group: contains looks into nested groups and knows base classes", "[base][exception_group]") {
    const exception_group group = nested();
    CHECK(group.contains<std::logic_error>());
    CHECK(group.contains<std::exception>());
    CHECK_FALSE(group.contains<std::out_of_range>());
    CHECK_FALSE(exception_group(exceptions()).contains<std::exception>());
}

TEST_CASE("exception_group: split gives two groups that keep the nesting", "[base][exception_group]") {
    const exception_group group = nested();
    const auto sides = group.split<std::runtime_error>();
    REQUIRE(sides.first.has_value());
    REQUIRE(sides.second.has_value());
    CHECK(flat(*sides.first) == "r1 r2 ");
    CHECK(flat(*sides.second) == "l1 l2 ");
    CHECK(sides.first->size() == 2);  // r1 and a group that holds ( r2 )
    CHECK(sides.second->size() == 2);
    CHECK(flat(group) == "r1 l1 r2 l2 ");  // as it was
    const auto all = group.split<std::exception>();
    CHECK(all.first.has_value());
    CHECK_FALSE(all.second.has_value());
    const auto none = group.split<std::out_of_range>();
    CHECK_FALSE(none.first.has_value());
    CHECK(none.second.has_value());
}

TEST_CASE("exception_group: handle calls for each match and removes it", "[base][exception_group]") {
    exception_group group = nested();
    std::string seen;
    const std::size_t handled = group.handle<std::runtime_error>([&](const std::runtime_error& e) { seen += e.what(); });
    CHECK(handled == 2);
    CHECK(seen == "r1r2");
    CHECK(flat(group) == "l1 l2 ");
    CHECK_THROWS_AS(group.rethrow_unhandled(), exception_group);
    CHECK(group.handle<std::logic_error>([](std::logic_error&) {}) == 2);
    CHECK(group.size() == 0);
    CHECK_NOTHROW(group.rethrow_unhandled());
    CHECK(group.handle<std::logic_error>([](std::logic_error&) {}) == 0);
}

TEST_CASE("exception_group: what a handler throws passes; what it was called with stays in the group",
          "[base][exception_group]") {
    exception_group group(exceptions({make<std::runtime_error>("a"), make<std::runtime_error>("b")}));
    int calls = 0;
    const auto fails_second = [&](std::runtime_error&) {
        if (++calls == 2) throw std::logic_error("handler");
    };
    CHECK_THROWS_AS(group.handle<std::runtime_error>(fails_second), std::logic_error);
    CHECK(flat(group) == "b ");
}

TEST_CASE("exception_group: the same where the match is in a nested group", "[base][exception_group]") {
    exception_group group = nested();
    int calls = 0;
    const auto fails_second = [&](std::runtime_error&) {
        if (++calls == 2) throw std::out_of_range("handler");
    };
    CHECK_THROWS_AS(group.handle<std::runtime_error>(fails_second), std::out_of_range);
    CHECK(flat(group) == "l1 r2 l2 ");
}

TEST_CASE("exception_group: what was handled in a nested group before a handler threw is gone", "[base][exception_group]") {
    const exceptions pair({make<std::runtime_error>("a"), make<std::runtime_error>("b")});
    exception_group group(exceptions({std::make_exception_ptr(exception_group(pair)), make<std::runtime_error>("c")}));
    int calls = 0;
    const auto fails_second = [&](std::runtime_error&) {
        if (++calls == 2) throw std::logic_error("handler");
    };
    CHECK_THROWS_AS(group.handle<std::runtime_error>(fails_second), std::logic_error);
    CHECK(flat(group) == "b c ");
}

TEST_CASE("exception_group: rethrow_if_single throws one exception bare, several as a group", "[base][exception_group]") {
    const exception_group one(exceptions({make<std::out_of_range>("only")}));
    CHECK_THROWS_AS(one.rethrow_if_single(), std::out_of_range);
    CHECK_THROWS_AS(nested().rethrow_if_single(), exception_group);
}

TEST_CASE("exception_group: copies share their exceptions and handle on their own", "[base][exception_group]") {
    const exception_group group = nested();
    exception_group copy = group;
    CHECK(copy.handle<std::exception>([](std::exception&) {}) == 4);
    CHECK(flat(group) == "r1 l1 r2 l2 ");
}

TEST_CASE("exception_group: exceptions that are no std::exception are matched by their type", "[base][exception_group]") {
    exception_group group(exceptions({std::make_exception_ptr(5), make<std::runtime_error>("a")}));
    CHECK(group.contains<int>());
    int seen = 0;
    CHECK(group.handle<int>([&](int n) { seen = n; }) == 1);
    CHECK(seen == 5);
    CHECK(group.size() == 1);
}

TEST_CASE("exception_group: 10,000 groups inside each other are flattened without recursion", "[base][exception_group]") {
    std::exception_ptr e = make<std::runtime_error>("deep");
    for (int i = 0; i < 10'000; ++i) e = std::make_exception_ptr(exception_group(exceptions({e})));
    const exception_group group(exceptions({e}));
    CHECK(group.flatten().size() == 1);
    CHECK(group.contains<std::runtime_error>());
}
